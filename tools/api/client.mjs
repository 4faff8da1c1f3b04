// Calls operations with AWS's SDK for JavaScript: one JSON line in for each call, one out for each answer.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [endpoint, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const sdk = require("@aws-sdk/client-guardduty");

for await (const line of createInterface({ input: process.stdin })) {
    const { operation, parameters, region, key } = JSON.parse(line);
    const client = new sdk.GuardDutyClient({
        endpoint,
        region,
        credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
    });
    let answer;
    try {
        const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](parameters));
        answer = { output };
    } catch (error) {
        answer = { error: error.name, message: error.message };
    }
    console.log(JSON.stringify(answer));
}

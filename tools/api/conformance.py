"""Holds a server against the service model and the catalogue, by requests that are made of them: clients.sh starts it.

What the model states of a request (required members, types, enumerations, lengths, ranges, patterns) is broken one at a time, in
every member of every operation. What the catalogue states of criteria is computed here too, from the findings' JSON, and compared
with what the server lists.
"""

import datetime
import http.client
import json
import os
import re
import sys
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ENDPOINT, MODEL, ATTRIBUTES = sys.argv[1:4]
KEY = json.loads(os.environ["FIRST_KEY"])
REGION, ELSEWHERE = "ca-central-1", "sa-east-1"

with open(MODEL, encoding="utf-8") as file:
    SERVICE = json.load(file)
with open(ATTRIBUTES, encoding="utf-8") as file:
    LISTED = [one["path"] for one in json.load(file)["attributes"] if one["listFindings"]]
SHAPES, OPERATIONS = SERVICE["shapes"], SERVICE["operations"]
NOT_OWNED = "The request is rejected because the input detectorId is not owned by the current account."
NOTHING = "a" * 32

# Shapes whose pattern is not held, and why is in crates/api/src/model.rs.
PATTERN_NOT_HELD = ("GuardDutyArn", "TagKey")

# Values that what the model does not state asks for, by the names of members.
GOOD = {
    "AccountIds": ["444455556666"], "AccountId": "444455556666", "AdminAccountId": "444455556666",
    "Email": "a@example.com", "Location": "s3://lists/a", "RuleId": "no-such-rule", "InvestigationId": NOTHING,
    "ResourceArn": f"arn:aws:ec2:us-east-1:{KEY['accountId']}:instance/i-0123456789abcdef0",
    "Role": f"arn:aws:iam::{KEY['accountId']}:role/scan", "Tags": {"a": "b"}, "FindingIds": [NOTHING],
    "FindingCriteria": {"criterion": {"type": {"eq": ["x"]}}}, "Name": "name-1",
}

WRONG = {
    "string": [1, True, [], {}], "integer": ["1", True, 1.5, [], 1e30], "long": ["1", True, 1.5, []],
    "boolean": ["true", 1, []], "structure": ["x", 1, []], "list": ["x", 1, {}], "map": ["x", 1, []],
    "double": ["x", True], "timestamp": ["x", True],
}

connection = http.client.HTTPConnection(urllib.parse.urlsplit(ENDPOINT).netloc, timeout=60)
credentials = Credentials(KEY["accessKeyId"], KEY["secretAccessKey"])
asked = 0


def send(method, path, body=None, region=REGION):
    """Status, headers and JSON of the answer to a signed request. `body` is JSON, or bytes."""
    global asked
    asked += 1
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = AWSRequest(method=method, url=ENDPOINT + path, data=data)
    SigV4Auth(credentials, "guardduty", region).add_auth(request)
    connection.request(method, path, data, dict(request.headers))
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, answer.headers, json.loads(content or b"{}")


def refused(what, method, path, body=None, region=REGION):
    """The message of a 400, which must have all parts of an error."""
    status, headers, answer = send(method, path, body, region)
    told = f"{what}: {status} {answer}"
    assert status == 400 and headers["x-amzn-ErrorType"] == "BadRequestException", told
    assert answer["message"] and answer["__type"] and headers["x-amzn-RequestId"], told
    return answer["message"]


def good(shape_name, name=""):
    """A value of a shape."""
    if name in GOOD:
        return GOOD[name]
    shape = SHAPES[shape_name]
    kind = shape["type"]
    if kind == "structure":
        required = shape.get("required", [])
        members = shape["members"].items()
        return {about.get("locationName", one): good(about["shape"], one) for one, about in members if one in required}
    if kind == "list":
        return [good(shape["member"]["shape"])]
    if kind == "map":
        return {good(shape["key"]["shape"]): good(shape["value"]["shape"])}
    if kind == "string":
        return shape["enum"][0] if "enum" in shape else "x" * max(1, shape.get("min", 1))
    return True if kind == "boolean" else shape.get("min", 1)


def breaking(shape_name):
    """Values that break what the model states of a shape."""
    shape = SHAPES[shape_name]
    kind, least, most = shape["type"], shape.get("min"), shape.get("max")
    values = list(WRONG[kind])
    if kind == "string":
        values += ["NO_SUCH_VALUE"] if "enum" in shape else []
        values += ["é é!"] if "pattern" in shape and shape_name not in PATTERN_NOT_HELD else []
        values += ["x" * (most + 1)] if most else []
        values += ["x" * (least - 1)] if least else []
    if kind in ("integer", "long"):
        values += [] if least is None else [least - 1]
        values += [] if most is None else [most + 1]
    if kind == "list":
        values += [[good(shape["member"]["shape"])] * (most + 1)] if most and most <= 1000 else []
        values += [[]] if least else []
    if kind == "map" and most:
        values += [{f"k{number}": "v" for number in range(most + 1)}]
    return values


def members(operation, place):
    shape = SHAPES[OPERATIONS[operation]["input"]["shape"]] if "input" in OPERATIONS[operation] else {"members": {}}
    for name, about in shape["members"].items():
        if about.get("location") == place:
            yield name, about.get("locationName", name), about["shape"], name in shape.get("required", [])


def request(operation, detector):
    """Method, path and body with what is required."""
    route = OPERATIONS[operation]["http"]
    path, labels = route["requestUri"], {"DetectorId": detector, "FilterName": "no-filter", "AssociationId": "x"}
    labels["ResourceArn"] = f"arn:aws:guardduty:{REGION}:{KEY['accountId']}:detector/{detector}"
    for name, wire, _, _ in members(operation, "uri"):
        value = labels.get(name) or GOOD.get(name) or NOTHING
        path = path.replace("{%s}" % wire, urllib.parse.quote(value, safe=""))
    query = [(wire, good(shape, name)) for name, wire, shape, is_required in members(operation, "querystring") if is_required]
    path += "?" + urllib.parse.urlencode(query, doseq=True) if query else ""
    body = {wire: good(shape, name) for name, wire, shape, is_required in members(operation, None) if is_required}
    return route["method"], path, body


def inside(shape_name, wrap, depth=0):
    """Every shape below one, with what makes a whole value of a value of it."""
    yield shape_name, wrap
    shape = SHAPES[shape_name]
    if depth > 6:
        return
    if shape["type"] == "list":
        yield from inside(shape["member"]["shape"], lambda value: wrap([value]), depth + 1)
    elif shape["type"] == "map":
        key = "type" if shape_name == "Criterion" else good(shape["key"]["shape"])
        yield from inside(shape["value"]["shape"], lambda value: wrap({key: value}), depth + 1)
    elif shape["type"] == "structure":
        for name, about in shape["members"].items():
            wire, base = about.get("locationName", name), good(shape_name)
            yield from inside(
                about["shape"], lambda value, wire=wire, base=base: wrap({**base, wire: value}), depth + 1)


def hold_the_model(detector):
    for operation in OPERATIONS:
        method, path, body = request(operation, detector)
        body = body if body or method in ("POST", "PUT", "PATCH") else None
        if "{DetectorId}" in OPERATIONS[operation]["http"]["requestUri"]:
            for region in (REGION, ELSEWHERE):
                at = path.replace(detector, NOTHING) if region == REGION else path
                assert refused(operation, method, at, body, region) == NOT_OWNED, operation
        for name, wire, shape, is_required in members(operation, None):
            if is_required:
                without = {one: value for one, value in body.items() if one != wire}
                assert wire in refused(f"{operation} without {wire}", method, path, without)
            for part, wrap in inside(shape, lambda value: value):
                for value in breaking(part):
                    whole = {**body, wire: wrap(value)}
                    refused(f"{operation} {wire} {str(whole[wire])[:200]}", method, path, whole)
        for name, wire, shape, _ in members(operation, "querystring"):
            about = SHAPES[shape]
            values = ["no"] if "enum" in about else []
            values += ["0", str(about["max"] + 1), "x", "1.5"] if about["type"] == "integer" else []
            for value in values:
                rest = re.sub(rf"[?&]{wire}=[^&]*", "", path)
                refused(f"{operation} {wire}={value}", method, f"{rest}{'&' if '?' in rest else '?'}{wire}={value}", body)
        for place in (None, "querystring"):
            for name, wire, _, _ in members(operation, place):
                if name == "NextToken" and operation != "ListInvestigationRecords":
                    at = path if place is None else f"{path}{'&' if '?' in path else '?'}{wire}=made-up"
                    whole = {**(body or {}), wire: "made-up"} if place is None else body
                    refused(f"{operation} with a made-up token", method, at, whole)
        if any(members(operation, None)):
            for text in (b"{", b"[]", b"\xff", b'{"a":' * 5000):
                assert "JSON" in refused(f"{operation} {text[:20]}", method, path, text)


def found(finding, path):
    """What a finding has of an attribute."""
    values = [finding]
    for name in path.split("."):
        values = [value[name] for value in values if isinstance(value, dict) and name in value]
        values = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if path == "updatedAt":
        times = [datetime.datetime.fromisoformat(value.replace("Z", "+00:00")) for value in values]
        values = [round(time.timestamp() * 1000) for time in times]
    return values


def as_text(value):
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def hold_criteria(detector):
    path = f"/detector/{detector}/findings"

    def ids(criterion=None, sort=None):
        listed, token = [], None
        while True:
            body = {"findingCriteria": {"criterion": criterion or {}}, "maxResults": 50}
            body.update({"sortCriteria": sort} if sort else {}, **({"nextToken": token} if token else {}))
            status, _, answer = send("POST", path, body)
            assert status == 200, (criterion, sort, answer)
            listed += answer["findingIds"]
            token = answer.get("nextToken")
            if not token:
                assert len(set(listed)) == len(listed)
                return listed

    assert send("POST", f"{path}/create", {})[0] == 200
    every = ids()
    findings = {}
    for at in range(0, len(every), 50):
        answer = send("POST", f"{path}/get", {"findingIds": every[at : at + 50]})[2]
        findings.update({finding["id"]: finding for finding in answer["findings"]})
    assert len(findings) == len(every) > 200 and len(LISTED) == 49
    for name in LISTED:
        values = {identity: found(finding, name) for identity, finding in findings.items()}
        wanted = sorted({as_text(value) for some in values.values() for value in some})[:3] or ["nothing"]
        equal = {identity for identity, some in values.items() if any(as_text(value) in wanted for value in some)}
        for operator in ("eq", "equals"):
            assert set(ids({name: {operator: wanted}})) == equal, (name, operator, wanted)
        for operator in ("neq", "notEquals"):
            assert set(ids({name: {operator: wanted}})) == findings.keys() - equal, (name, operator, wanted)
        refused(name, "POST", path, {"findingCriteria": {"criterion": {name: {"eq": ["x"] * 51}}}})
        refused(name, "POST", path, {"findingCriteria": {"criterion": {name: {}}}})
        refused(name, "POST", path, {"findingCriteria": {"criterion": {name: {"is": ["x"]}}}})
        for order in ("ASC", "DESC"):
            listed = ids(sort={"attributeName": name, "orderBy": order})
            assert sorted(listed) == sorted(every)
            one = [values[identity][0] for identity in listed if len(values[identity]) == 1]
            key = None if all(isinstance(value, (int, float)) for value in one) else as_text
            assert one == sorted(one, key=key, reverse=order == "DESC"), (name, order)
        numbers = [value for some in values.values() for value in some if type(value) in (int, float)]
        if not numbers:
            continue
        middle = int(sorted(numbers)[len(numbers) // 2])
        for operators, holds in (
            (("gt", "greaterThan"), lambda value: value > middle), (("gte", "greaterThanOrEqual"), lambda value: value >= middle),
            (("lt", "lessThan"), lambda value: value < middle), (("lte", "lessThanOrEqual"), lambda value: value <= middle),
        ):
            within = {identity for identity, some in values.items() if any(map(holds, some))}
            for operator in operators:
                assert set(ids({name: {operator: middle}})) == within, (name, operator, middle)


made = send("POST", "/detector", {"enable": True})[2]["detectorId"]
hold_the_model(made)
hold_criteria(made)
assert send("DELETE", f"/detector/{made}")[0] == 200
print(f"Conformance: {asked} requests, answered as the service model and the catalogue say")

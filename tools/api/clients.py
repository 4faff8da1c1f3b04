"""Calls every operation with real clients. See clients.sh, which starts the server and gives the arguments."""

import json
import os
import subprocess
import sys
import urllib.request

import boto3
import botocore.exceptions
import terraform
from botocore import xform_name

ENDPOINT, FOLDER, MODEL = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3]
KEYS = {"first": json.loads(os.environ["FIRST_KEY"]), "second": json.loads(os.environ["SECOND_KEY"])}
FIRST, SECOND = KEYS["first"]["accountId"], KEYS["second"]["accountId"]

with open(MODEL, encoding="utf-8") as file:
    SERVICE = json.load(file)
SHAPES = SERVICE["shapes"]


class Refused(Exception):
    """An operation was answered with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def faults(shape_name, value, path):
    """What of the answer's JSON the model does not allow."""
    shape = SHAPES[shape_name]
    kind = shape["type"]
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        members = {about.get("locationName", name): about for name, about in shape.get("members", {}).items()}
        found = [f"{path}.{name} is not in the model" for name in value if name not in members]
        wanted = [shape["members"][name].get("locationName", name) for name in shape.get("required", [])]
        # No administrator is answered with nothing, although the model requires one.
        found += [f"{path}.{name} is missing" for name in wanted if name not in value and (value or path != "$")]
        for name in value.keys() & members.keys():
            found += faults(members[name]["shape"], value[name], f"{path}.{name}")
        return found
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [fault for at, item in enumerate(value) for fault in faults(shape["member"]["shape"], item, f"{path}[{at}]")]
    if kind == "map":
        return [fault for name, item in value.items() for fault in faults(shape["value"]["shape"], item, f"{path}.{name}")]
    types = {
        "string": str, "boolean": bool, "integer": int, "long": int, "double": (int, float), "timestamp": (int, float),
    }
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{path} is {value!r} and should be a {kind}"]
    if "enum" in shape and value not in shape["enum"]:
        return [f"{path} is {value!r}, which is no {shape_name}"]
    return []


class Boto:
    """boto3."""

    def __init__(self, region="eu-west-1"):
        self.region, self.clients = region, {}
        for who, key in KEYS.items():
            client = boto3.client(
                "guardduty",
                endpoint_url=ENDPOINT,
                region_name=self.region,
                aws_access_key_id=key["accessKeyId"],
                aws_secret_access_key=key["secretAccessKey"],
                config=boto3.session.Config(retries={"max_attempts": 1}),
            )
            client.meta.events.register("after-call.guardduty", self.check)
            self.clients[who] = client

    @staticmethod
    def check(http_response, model, **_):
        if http_response.status_code < 300 and model.output_shape is not None and http_response.content:
            found = faults(model.output_shape.name, json.loads(http_response.content), "$")
            assert not found, f"{model.name}: {found}"

    def call(self, who, operation, parameters):
        try:
            answer = getattr(self.clients[who], xform_name(operation))(**parameters)
        except botocore.exceptions.ClientError as error:
            assert type(error).__name__ == error.response["Error"]["Code"], f"{operation}: {error!r} has no class"
            raise Refused(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
        answer.pop("ResponseMetadata")
        return answer


class CommandLine:
    """The aws command line."""

    region = "us-east-1"

    def call(self, who, operation, parameters):
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": KEYS[who]["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": KEYS[who]["secretAccessKey"],
            # Its own copy of the model can be months older than boto3's; it takes another one from here.
            "AWS_DATA_PATH": f"{FOLDER}/models",
        }
        command = [f"{FOLDER}/venv/bin/aws", "--endpoint-url", ENDPOINT, "--region", self.region, "--output", "json"]
        command += ["guardduty", xform_name(operation, "-"), "--no-paginate"] if self.pages(operation) else [
            "guardduty", xform_name(operation, "-")]
        command += ["--cli-input-json", json.dumps(parameters)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            code = done.stderr.partition("(")[2].partition(")")[0]
            raise Refused(code, done.stderr.strip())
        return json.loads(done.stdout or "{}")

    @staticmethod
    def pages(operation):
        return boto3.client("guardduty", region_name="us-east-1").can_paginate(xform_name(operation))


class JavaScript:
    """AWS's SDK for JavaScript, whose decoder is strict about numbers and times."""

    region = "ap-southeast-2"

    def __init__(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.mjs")
        self.process = subprocess.Popen(
            ["node", "--no-warnings", script, ENDPOINT, FOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(self, who, operation, parameters):
        asked = {"operation": operation, "parameters": parameters, "region": self.region, "key": KEYS[who]}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"], answer["message"])
        return answer["output"]


class Session:
    """One client, and what was called with it."""

    def __init__(self, client):
        self.client, self.called = client, set()

    def __call__(self, who, operation, **parameters):
        self.called.add(operation)
        return self.client.call(who, operation, parameters)

    def refused(self, code, message, who, operation, **parameters):
        try:
            self(who, operation, **parameters)
        except Refused as refusal:
            assert refusal.code == code and message in refusal.message, f"{operation}: {refusal}"
        else:
            raise AssertionError(f"{operation} was not refused")


def detectors(call):
    created = call("first", "CreateDetector", Enable=True, Tags={"team": "blue"}, ClientToken="one")
    detector = created["DetectorId"]
    again = call("first", "CreateDetector", Enable=True, Tags={"team": "blue"}, ClientToken="one")
    assert again["DetectorId"] == detector
    exists = "a detector already exists for the current account"
    call.refused("BadRequestException", exists, "first", "CreateDetector", Enable=True)
    assert call("first", "ListDetectors")["DetectorIds"] == [detector]
    change = {"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}
    call("first", "UpdateDetector", DetectorId=detector, Features=[change], FindingPublishingFrequency="ONE_HOUR")
    shown = call("first", "GetDetector", DetectorId=detector)
    assert shown["FindingPublishingFrequency"] == "ONE_HOUR" and shown["Tags"] == {"team": "blue"}
    assert shown["DataSources"]["S3Logs"]["Status"] == "DISABLED"
    call.refused("BadRequestException", "not owned by the current account", "first", "GetDetector", DetectorId="0" * 32)
    return detector


def tags(call, detector):
    arn = f"arn:aws:guardduty:{call.client.region}:{FIRST}:detector/{detector}"
    call("first", "TagResource", ResourceArn=arn, Tags={"a b": "c/d", "e": ""})
    call("first", "UntagResource", ResourceArn=arn, TagKeys=["team", "e"])
    assert call("first", "ListTagsForResource", ResourceArn=arn)["Tags"] == {"a b": "c/d"}


def members(call, detector):
    theirs = call("second", "CreateDetector", Enable=True)["DetectorId"]
    assert not call("second", "GetAdministratorAccount", DetectorId=theirs).get("Administrator")
    accounts = {"DetectorId": detector, "AccountIds": [SECOND]}

    def join(accept, inviter):
        call("first", "InviteMembers", **accounts)
        invitation = call("second", "ListInvitations")["Invitations"][0]["InvitationId"]
        call("second", accept, DetectorId=theirs, InvitationId=invitation, **{inviter: FIRST})

    details = [{"AccountId": SECOND, "Email": "member@example.com"}]
    created = call("first", "CreateMembers", DetectorId=detector, AccountDetails=details)
    assert created["UnprocessedAccounts"] == []
    call("first", "InviteMembers", **accounts)
    assert call("second", "GetInvitationsCount")["InvitationsCount"] == 1
    call("second", "DeclineInvitations", AccountIds=[FIRST])
    call("second", "DeleteInvitations", AccountIds=[FIRST])
    join("AcceptAdministratorInvitation", "AdministratorId")
    administrator = call("second", "GetAdministratorAccount", DetectorId=theirs)["Administrator"]
    assert administrator["AccountId"] == FIRST and administrator["RelationshipStatus"] == "Enabled"
    listed = call("first", "ListMembers", DetectorId=detector)["Members"]
    assert [member["DetectorId"] for member in listed] == [theirs]
    call("first", "UpdateMemberDetectors", **accounts, Features=[{"Name": "RDS_LOGIN_EVENTS", "Status": "DISABLED"}])
    assert len(call("first", "GetMemberDetectors", **accounts)["MemberDataSourceConfigurations"]) == 1
    call("first", "StopMonitoringMembers", **accounts)
    call("first", "StartMonitoringMembers", **accounts)
    assert call("first", "GetMembers", **accounts)["Members"][0]["RelationshipStatus"] == "Enabled"
    call("second", "DisassociateFromAdministratorAccount", DetectorId=theirs)
    join("AcceptInvitation", "MasterId")
    assert call("second", "GetMasterAccount", DetectorId=theirs)["Master"]["AccountId"] == FIRST
    call("second", "DisassociateFromMasterAccount", DetectorId=theirs)
    join("AcceptAdministratorInvitation", "AdministratorId")
    call("first", "DisassociateMembers", **accounts)
    call("first", "DeleteMembers", **accounts)
    call("second", "DeleteDetector", DetectorId=theirs)


def organization(call, detector):
    call("second", "EnableOrganizationAdminAccount", AdminAccountId=FIRST)
    assert call("first", "ListOrganizationAdminAccounts")["AdminAccounts"][0]["AdminAccountId"] == FIRST
    features = [{"Name": "RUNTIME_MONITORING", "AutoEnable": "NEW"}]
    new = {"AutoEnableOrganizationMembers": "NEW", "Features": features}
    call("first", "UpdateOrganizationConfiguration", DetectorId=detector, **new)
    described = call("first", "DescribeOrganizationConfiguration", DetectorId=detector)
    assert described["AutoEnable"] is True and described["AutoEnableOrganizationMembers"] == "NEW"
    call("first", "GetOrganizationStatistics")
    call("second", "DisableOrganizationAdminAccount", AdminAccountId=FIRST)


def destinations(call, detector):
    properties = {
        "DestinationArn": "arn:aws:s3:::watchfire-clients/findings/",
        "KmsKeyArn": f"arn:aws:kms:{call.client.region}:{FIRST}:key/1",
    }
    created = call(
        "first", "CreatePublishingDestination", DetectorId=detector, DestinationType="S3",
        DestinationProperties=properties,
    )
    one = {"DetectorId": detector, "DestinationId": created["DestinationId"]}
    described = call("first", "DescribePublishingDestination", **one)
    assert described["DestinationProperties"] == properties
    properties["DestinationArn"] = "arn:aws:s3:::watchfire-clients/elsewhere/"
    call("first", "UpdatePublishingDestination", **one, DestinationProperties=properties)
    assert len(call("first", "ListPublishingDestinations", DetectorId=detector)["Destinations"]) == 1
    call("first", "DeletePublishingDestination", **one)


def coverage(call, detector):
    assert call("first", "ListCoverage", DetectorId=detector)["Resources"] == []
    call("first", "GetCoverageStatistics", DetectorId=detector, StatisticsType=["COUNT_BY_COVERAGE_STATUS"])


def malware(call, detector):
    plan = call(
        "first", "CreateMalwareProtectionPlan", Role=f"arn:aws:iam::{FIRST}:role/scan",
        ProtectedResource={"S3Bucket": {"BucketName": "watchfire-clients", "ObjectPrefixes": ["in/"]}},
    )["MalwareProtectionPlanId"]
    call("first", "UpdateMalwareProtectionPlan", MalwareProtectionPlanId=plan, Actions={"Tagging": {"Status": "ENABLED"}})
    shown = call("first", "GetMalwareProtectionPlan", MalwareProtectionPlanId=plan)
    assert shown["Actions"]["Tagging"]["Status"] == "ENABLED"
    call("first", "TagResource", ResourceArn=shown["Arn"], Tags={"a": "b"})
    assert len(call("first", "ListMalwareProtectionPlans")["MalwareProtectionPlans"]) == 1
    call("first", "SendObjectMalwareScan", S3Object={"Bucket": "watchfire-clients", "Key": "in/a"})
    call("first", "DeleteMalwareProtectionPlan", MalwareProtectionPlanId=plan)
    gone = "There is no malware protection plan"
    call.refused("ResourceNotFoundException", gone, "first", "GetMalwareProtectionPlan", MalwareProtectionPlanId=plan)

    arn = f"arn:aws:ec2:{call.client.region}:{FIRST}:instance/i-0123456789abcdef0"
    scan = call("first", "StartMalwareScan", ResourceArn=arn)["ScanId"]
    assert call("first", "GetMalwareScan", ScanId=scan)["ScanStatus"] == "FAILED"
    failed = {"CriterionKey": "SCAN_STATUS", "FilterCondition": {"EqualsValue": "FAILED"}}
    described = call("first", "DescribeMalwareScans", DetectorId=detector, FilterCriteria={"FilterCriterion": [failed]})
    assert [one["ScanId"] for one in described["Scans"]] == [scan]
    assert len(call("first", "ListMalwareScans")["Scans"]) == 2
    criteria = {"Include": {"EC2_INSTANCE_TAG": {"MapEquals": [{"Key": "scan", "Value": "yes"}]}}}
    call("first", "UpdateMalwareScanSettings", DetectorId=detector, ScanResourceCriteria=criteria)
    assert call("first", "GetMalwareScanSettings", DetectorId=detector)["ScanResourceCriteria"] == criteria


def findings(call, detector):
    here = {"DetectorId": detector}
    criteria = {"Criterion": {"type": {"Matches": ["Recon:*"]}, "severity": {"GreaterThanOrEqual": 1}}}
    call("first", "CreateFilter", **here, Name="quiet", Action="ARCHIVE", FindingCriteria=criteria, Tags={"team": "blue"})
    call("first", "UpdateFilter", **here, FilterName="quiet", Description="ours")
    shown = call("first", "GetFilter", **here, FilterName="quiet")
    assert (shown["FindingCriteria"], shown["Version"], shown["Tags"]) == (criteria, 2, {"team": "blue"}), shown
    assert call("first", "ListFilters", **here)["FilterNames"] == ["quiet"]

    call("first", "CreateSampleFindings", **here)
    ids, token = [], {}
    while True:
        page = call("first", "ListFindings", **here, SortCriteria={"AttributeName": "severity", "OrderBy": "DESC"}, **token)
        ids += page["FindingIds"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    assert len(ids) == len(set(ids)) > 200, len(ids)
    for at in range(0, len(ids), 50):
        read = call("first", "GetFindings", **here, FindingIds=ids[at:at + 50])["Findings"]
        assert {one["Id"] for one in read} == set(ids[at:at + 50])
        assert all(one["Service"]["Archived"] == one["Type"].startswith("Recon:") for one in read)
    call("first", "ArchiveFindings", **here, FindingIds=ids[:2])
    call("first", "UnarchiveFindings", **here, FindingIds=ids[:1])
    call("first", "UpdateFindingsFeedback", **here, FindingIds=ids[:1], Feedback="USEFUL")
    assert call("first", "GetFindings", **here, FindingIds=ids[:1])["Findings"][0]["Service"]["UserFeedback"] == "USEFUL"
    counts = call("first", "GetFindingsStatistics", **here, FindingStatisticTypes=["COUNT_BY_SEVERITY"])
    assert sum(counts["FindingStatistics"]["CountBySeverity"].values()) == len(ids)
    for by in ["ACCOUNT", "DATE", "FINDING_TYPE", "RESOURCE", "SEVERITY"]:
        assert len(call("first", "GetFindingsStatistics", **here, GroupBy=by)["FindingStatistics"]) == 1
    unknown = {"Criterion": {"resource.nothing": {"Eq": ["x"]}}}
    call.refused("BadRequestException", "findingCriteria", "first", "ListFindings", **here, FindingCriteria=unknown)

    made = call("first", "CreateInvestigation", **here, TriggerPrompt=f"Investigate finding {ids[0]}")["InvestigationId"]
    for form in [{}, {"SummaryFormat": "STRUCTURED"}]:
        told = call("first", "GetInvestigation", **here, InvestigationId=made, **form)["Investigation"]
        assert told["Status"] == "COMPLETED" and ("Summary" in told) != ("SummaryData" in told)
    assert len(call("first", "ListInvestigations", **here)["Investigations"]) == 1
    assert call("first", "ListInvestigationRecords", **here, InvestigationId=made)["Records"]

    call("first", "DeleteFilter", **here, FilterName="quiet")
    call.refused("BadRequestException", "no such resource found", "first", "GetFilter", **here, FilterName="quiet")


def lists(call, detector):
    for kind, wire in [("IPSet", "IpSet"), ("ThreatIntelSet", "ThreatIntelSet"), ("ThreatEntitySet", "ThreatEntitySet"),
                       ("TrustedEntitySet", "TrustedEntitySet")]:
        about = {"Name": "mine", "Format": "TXT", "Location": "s3://watchfire-clients/list.txt"}
        made = call("first", f"Create{kind}", DetectorId=detector, Activate=False, **about)[f"{wire}Id"]
        one = {"DetectorId": detector, f"{wire}Id": made}
        shown = call("first", f"Get{kind}", **one)
        assert (shown["Status"], shown["Location"]) == ("INACTIVE", about["Location"]), shown
        call("first", f"Update{kind}", **one, Name="renamed")
        assert call("first", f"List{kind}s", DetectorId=detector)[f"{wire}Ids"] == [made]
        call("first", f"Delete{kind}", **one)
        assert call("first", f"Get{kind}", **one)["Status"] in ["DELETE_PENDING", "DELETED"]
        elsewhere = {**about, "Location": "file:///etc/hosts"}
        call.refused("BadRequestException", "location", "first", f"Create{kind}", DetectorId=detector, Activate=True, **elsewhere)


def usage(call, detector):
    for kind in SHAPES["UsageStatisticType"]["enum"]:
        call("first", "GetUsageStatistics", DetectorId=detector, UsageStatisticType=kind, UsageCriteria={})
    trial = call("first", "GetRemainingFreeTrialDays", DetectorId=detector, AccountIds=[FIRST])["Accounts"][0]
    assert trial["DataSources"]["CloudTrail"]["FreeTrialDaysRemaining"] == 30


def custom_rules(call, _detector):
    rule = call("first", "ListCustomDetectionRules", Filters=[{"Name": "service", "Values": ["S3"]}])["Rules"][0]["RuleId"]
    assert "eventSource" in call("first", "GetCustomDetectionRule", RuleId=rule)["Rule"]["Definition"]["Expression"]
    made = call("first", "CreateCustomDetectionRuleAssociation", RuleId=rule, Mode="LIVE")["RuleAssociation"]
    one = {"RuleId": rule, "AssociationId": made["AssociationId"]}
    call("first", "UpdateCustomDetectionRuleAssociation", **one, Mode="DRY_RUN")
    assert call("first", "GetCustomDetectionRuleAssociation", **one)["RuleAssociation"]["ExpiresAt"]
    assert len(call("first", "ListCustomDetectionRuleAssociations")["RuleAssociations"]) == 1
    call("first", "DeleteCustomDetectionRuleAssociation", **one)
    here = {"RuleId": rule, "Mode": "LIVE"}
    call("first", "CreateCustomDetectionRuleOrgConfiguration", **here, IncludeAccountIds=[SECOND])
    call("first", "UpdateCustomDetectionRuleOrgConfiguration", **here, ExcludeAccountIds=[SECOND])
    shown = call("first", "GetCustomDetectionRuleOrgConfiguration", **here)["Configuration"]
    assert (shown["IncludeAccountIds"], shown["ExcludeAccountIds"]) == ([], [SECOND]), shown
    assert len(call("first", "ListCustomDetectionRuleOrgConfigurations")["Configurations"]) == 1
    call("first", "DeleteCustomDetectionRuleOrgConfiguration", **here)
    call.refused("ResourceNotFoundException", "has no organization configuration", "first",
                 "GetCustomDetectionRuleOrgConfiguration", **here)


def run(client):
    call = Session(client)
    detector = detectors(call)
    for part in [tags, findings, lists, usage, custom_rules, members, organization, destinations, coverage, malware]:
        part(call, detector)
    call("first", "DeleteDetector", DetectorId=detector)
    missed = sorted(set(SERVICE["operations"]) - call.called)
    assert not missed, f"never called: {missed}"
    name = (type(client).__doc__ or "").partition(",")[0].rstrip(".")
    print(f"{name}: {len(call.called)} operations answered", flush=True)


def put_object(path, content):
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL_S3"] + path, data=content, method="PUT"))


run(Boto())
terraform.run(Session(Boto("eu-north-1")), FIRST, SECOND, put_object)
run(CommandLine())
run(JavaScript())

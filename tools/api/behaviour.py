"""What GuardDuty does and its service model does not state, asked with boto3, each in a region of its own. clients.sh starts it."""

import itertools
import json
import os
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
FIRST, SECOND = json.loads(os.environ["FIRST_KEY"]), json.loads(os.environ["SECOND_KEY"])
CONFIG = Config(parameter_validation=False, retries={"max_attempts": 1})
PORTSCAN, GUESSING = "Recon:EC2/Portscan", "UnauthorizedAccess:EC2/SSHBruteForce"
KMS = f"arn:aws:kms:us-east-1:{FIRST['accountId']}:key/1"
numbers = itertools.count(1)
checks = []


def check(function):
    checks.append(function)
    return function


class Place:
    """A region in which an account has a detector."""

    def __init__(self, **detector):
        self.region = f"eu-behaviour-{next(numbers)}"
        self.client = self.of(FIRST)
        self.detector = self.client.create_detector(Enable=True, **detector)["DetectorId"]

    def of(self, key):
        return boto3.client("guardduty", endpoint_url=ENDPOINT, region_name=self.region, config=CONFIG,
                            aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"])

    def __getattr__(self, name):
        operation = getattr(self.client, name)
        return lambda **parameters: operation(DetectorId=self.detector, **parameters)

    def arn(self, rest=""):
        return f"arn:aws:guardduty:{self.region}:{FIRST['accountId']}:detector/{self.detector}{rest}"

    def features(self):
        return {feature["Name"]: feature["Status"] for feature in self.get_detector()["Features"]}

    def filter(self, name="filter", criterion=None, **more):
        criteria = {"Criterion": criterion or {"type": {"Eq": ["x"]}}}
        return self.create_filter(Name=name, FindingCriteria=criteria, **more)["Name"]

    def findings(self):
        return self.get_findings(FindingIds=self.list_findings()["FindingIds"])["Findings"]


def refused(part, call, *arguments, code="BadRequestException", **parameters):
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        told = error.response["Error"]
        assert told["Code"] == code and part in told["Message"], f"{told} for {code} {part}"
    else:
        raise AssertionError(f"taken, and should be refused: {parameters}")


def until(read, wanted):
    for _ in range(150):
        if (shown := read()) == wanted:
            return
        time.sleep(0.1)
    raise AssertionError(f"{shown} and never {wanted}")


@check
def a_feature_changes_alone():
    place = Place()
    before = place.features()
    for name, status in [("S3_DATA_EVENTS", "DISABLED"), ("RUNTIME_MONITORING", "ENABLED"), ("AI_ANALYST", "ENABLED")]:
        place.update_detector(Features=[{"Name": name, "Status": status}])
        before[name] = status
        assert place.features() == before
    assert place.get_detector()["DataSources"]["S3Logs"]["Status"] == "DISABLED"
    both = [{"Name": name, "Status": "ENABLED"} for name in ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING")]
    refused("", place.update_detector, Enable=False, Features=both)
    assert place.get_detector()["Status"] == "ENABLED", "a refused update changes nothing"


@check
def tags_are_one_store_for_everything():
    place, about = Place(Tags={"a": "b"}), {"Format": "TXT", "Location": "s3://lists/a", "Activate": False, "Name": "n"}
    place.filter(Tags={"a": "b"})
    destination = place.create_publishing_destination(
        DestinationType="S3", DestinationProperties={"DestinationArn": "arn:aws:s3:::lists", "KmsKeyArn": KMS},
        Tags={"a": "b"})["DestinationId"]
    everything = [
        ("", place.get_detector),
        ("/filter/filter", lambda: place.get_filter(FilterName="filter")),
        (f"/publishingDestination/{destination}", lambda: place.describe_publishing_destination(DestinationId=destination)),
    ]
    for kind, name in [("ip_set", "IpSetId"), ("threat_intel_set", "ThreatIntelSetId"),
                       ("threat_entity_set", "ThreatEntitySetId"), ("trusted_entity_set", "TrustedEntitySetId")]:
        one = getattr(place, f"create_{kind}")(Tags={"a": "b"}, **about)
        read = getattr(place, f"get_{kind}")
        shown = lambda read=read, name=name, one=one: read(**{name: one[name]})
        everything.append((f"/{kind.replace('_', '')}/{one[name]}", shown))
    for rest, read in everything:
        arn = place.arn(rest)
        place.client.tag_resource(ResourceArn=arn, Tags={"c d": "e+f@g"})
        place.client.untag_resource(ResourceArn=arn, TagKeys=["a", "never there"])
        assert read()["Tags"] == place.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"c d": "e+f@g"}, rest
    for arn in [place.arn().replace(place.region, "eu-elsewhere-1"), place.arn("/ipset/unknown"), "arn:aws:s3:::lists"]:
        refused("", place.client.list_tags_for_resource, ResourceArn=arn)
    place.client.tag_resource(ResourceArn=place.arn(), Tags={f"k{number}": "" for number in range(49)})
    refused("", place.client.tag_resource, ResourceArn=place.arn(), Tags={"one more": ""})


@check
def filters_keep_what_was_written_and_their_order():
    place = Place()
    operators = ["Gt", "Gte", "Lt", "Lte", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"]
    for number, operator in enumerate(operators):
        criterion = {"updatedAt": {operator: 1486685375000}}
        place.filter(f"filter-{number}", criterion)
        assert place.get_filter(FilterName=f"filter-{number}")["FindingCriteria"] == {"Criterion": criterion}
    ranks = [place.get_filter(FilterName=f"filter-{number}")["Rank"] for number in range(8)]
    assert ranks == [8, 7, 6, 5, 4, 3, 2, 1], ranks
    place.update_filter(FilterName="filter-0", Rank=1)
    assert [place.get_filter(FilterName=f"filter-{number}")["Rank"] for number in (0, 7)] == [1, 2]
    refused("", place.filter, "filter-0")
    for name in ["ab", "a" * 65, "a b", "a/b", "äää"]:
        refused("", place.filter, name)
    for criterion in [{"type": {}}, {"type": {"Eq": []}}, {"nothing": {"Eq": ["x"]}}, {"type": {"Matches": ["x"] * 6}}]:
        refused("", place.filter, "other", criterion, Action="ARCHIVE")
    refused("", place.filter, "other", {"arn": {"Eq": ["x"]}})
    page = place.list_filters(MaxResults=3)
    names = page["FilterNames"]
    place.filter("aaa")
    place.delete_filter(FilterName=names[0])
    while page.get("NextToken"):
        page = place.list_filters(MaxResults=3, NextToken=page["NextToken"])
        names += page["FilterNames"]
    assert len(names) == len(set(names)) and {f"filter-{number}" for number in range(8)} <= set(names)


@check
def a_filter_archives_what_is_new_and_fits():
    for criterion, fits in [
        ({"type": {"Eq": [PORTSCAN]}}, {PORTSCAN}), ({"type": {"Neq": [PORTSCAN]}}, {GUESSING}),
        ({"type": {"Matches": ["Recon:*"]}}, {PORTSCAN}), ({"type": {"Matches": ["recon:*"]}}, set()),
        ({"type": {"NotMatches": ["Recon:EC2/Portscan?"]}}, {GUESSING}), ({"type": {"Matches": ["Recon"]}}, set()),
        ({"type": {"Eq": [PORTSCAN]}, "severity": {"Gte": 9}}, set()), ({"service.count": {"Gte": 1}}, {PORTSCAN, GUESSING}),
    ]:
        place = Place()
        place.create_sample_findings(FindingTypes=["Backdoor:EC2/Spambot"])
        place.filter(criterion=criterion, Action="ARCHIVE")
        place.create_sample_findings(FindingTypes=[PORTSCAN, GUESSING])
        archived = {finding["Type"] for finding in place.findings() if finding["Service"]["Archived"]}
        assert archived == fits, (criterion, archived)
        listed = place.list_findings(FindingCriteria={"Criterion": {"service.archived": {"Eq": ["true"]}}})["FindingIds"]
        assert len(listed) == len(fits)


@check
def lists_go_by_the_states_that_clients_wait_for():
    for kind, name, most in [("ip_set", "IpSetId", 1), ("threat_intel_set", "ThreatIntelSetId", 6),
                             ("threat_entity_set", "ThreatEntitySetId", 6), ("trusted_entity_set", "TrustedEntitySetId", 1)]:
        place = Place()
        create, read, update, delete = (getattr(place, f"{verb}_{kind}") for verb in ("create", "get", "update", "delete"))
        about = {"Format": "TXT", "Location": "s3://lists/a", "Activate": False}
        made = [create(Name=f"n{number}", **about)[name] for number in range(most)]
        refused("", create, Name="more", **about)
        one = {name: made[0]}
        update(Name="renamed", **one)
        assert read(**one)["Status"] == "INACTIVE" and "ExpectedBucketOwner" not in read(**one)
        update(Location="s3://no-such-bucket/a", Activate=True, **one)
        until(lambda: read(**one)["Status"], "ERROR")
        for location in ["file:///etc/passwd", "https://example.com/a", "s3://lists", "s3://lists/../other/a",
                         "https://s3.amazonaws.com.example.com/lists/a", "http://169.254.169.254/a"]:
            refused("location", update, Location=location, **one)
        delete(**one)
        assert read(**one)["Status"] == "DELETE_PENDING"
        until(lambda: read(**one)["Status"], "DELETED")
        refused("", update, Name="again", **one)
        create(Name="again", **about)


@check
def an_administrator_rules_its_members():
    place = Place()
    account, member = SECOND["accountId"], place.of(SECOND)
    theirs = member.create_detector(Enable=True)["DetectorId"]
    details = {"AccountDetails": [{"AccountId": account, "Email": "a@example.com"}]}

    def set_aside(answer):
        return [(one["AccountId"], one["Result"]) for one in answer["UnprocessedAccounts"]]

    def status():
        return place.get_members(AccountIds=[account])["Members"][0]["RelationshipStatus"]

    refused("email", place.create_members, AccountDetails=[{"AccountId": account, "Email": "no address"}])
    assert set_aside(place.invite_members(AccountIds=[account])), "it was not created"
    assert not set_aside(place.create_members(**details)) and status() == "Created"
    assert "is already a member" in set_aside(place.create_members(**details))[0][1]
    assert place.list_members()["Members"] == []
    place.invite_members(AccountIds=[account])
    until(status, "Invited")
    assert "has already invited" in set_aside(place.invite_members(AccountIds=[account]))[0][1]
    assert set_aside(member.delete_invitations(AccountIds=[FIRST["accountId"]])), "it was not declined"
    refused("cannot delete detector while it has invited or associated members", place.delete_detector)
    invitation = member.list_invitations()["Invitations"][0]["InvitationId"]
    member.accept_administrator_invitation(
        DetectorId=theirs, AdministratorId=FIRST["accountId"], InvitationId=invitation)
    assert status() == "Enabled" and member.get_invitations_count()["InvitationsCount"] == 0
    refused("", place.update_detector, Enable=False)
    assert set_aside(place.delete_members(AccountIds=[account])), "it is associated"
    place.filter(criterion={"type": {"Eq": [PORTSCAN]}}, Action="ARCHIVE")
    member.create_sample_findings(DetectorId=theirs, FindingTypes=[PORTSCAN, GUESSING])
    seen = {finding["Type"]: (finding["AccountId"], finding["Service"]["Archived"]) for finding in place.findings()}
    assert seen == {PORTSCAN: (account, True), GUESSING: (account, False)}, seen
    refused("member", member.archive_findings, DetectorId=theirs, FindingIds=["a" * 32])
    place.update_member_detectors(AccountIds=[account], Features=[{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}])
    shown = {one["Name"]: one["Status"] for one in member.get_detector(DetectorId=theirs)["Features"]}
    assert (shown["S3_DATA_EVENTS"], shown["EKS_AUDIT_LOGS"]) == ("DISABLED", "ENABLED")
    for verb, after in [("stop_monitoring", "Disabled"), ("start_monitoring", "Enabled"), ("disassociate", "Removed")]:
        assert not set_aside(getattr(place, f"{verb}_members")(AccountIds=[account])) and status() == after
    assert place.findings() == [] and "Administrator" not in member.get_administrator_account(DetectorId=theirs)
    assert not set_aside(place.delete_members(AccountIds=[account]))
    place.delete_detector()


@check
def every_sample_says_that_it_is_one():
    place = Place()
    place.create_sample_findings()
    pages = place.client.get_paginator("list_findings").paginate(DetectorId=place.detector)
    every = [identity for page in pages for identity in page["FindingIds"]]
    types = set()
    for at in range(0, len(every), 50):
        for finding in place.get_findings(FindingIds=every[at : at + 50])["Findings"]:
            types.add(finding["Type"])
            assert finding["Title"].startswith("[SAMPLE]") and finding["Arn"] == place.arn(f"/finding/{finding['Id']}")
            assert json.loads(finding["Service"]["AdditionalInfo"]["Value"])["sample"] is True
    assert len(types) == len(every) > 200
    refused("", place.create_sample_findings, FindingTypes=[PORTSCAN, "No:Such/Type"])


@check
def pages_hold_while_findings_come():
    for attribute in [None, "updatedAt", "severity", "type"]:
        place = Place()
        sort = {"SortCriteria": {"AttributeName": attribute, "OrderBy": "ASC"}} if attribute else {}
        place.create_sample_findings(FindingTypes=[PORTSCAN, GUESSING, "Backdoor:EC2/Spambot", "Trojan:EC2/DropPoint"])
        first = set(place.list_findings()["FindingIds"])
        page = place.list_findings(MaxResults=1, **sort)
        seen = page["FindingIds"]
        place.create_sample_findings(FindingTypes=["Trojan:EC2/BlackholeTraffic", "Behavior:EC2/NetworkPortUnusual"])
        refused("nextToken", place.list_findings, NextToken=page["NextToken"], **sort,
                FindingCriteria={"Criterion": {"severity": {"Gte": 1}}})
        refused("nextToken", Place().list_findings, NextToken=page["NextToken"], **sort)
        while page.get("NextToken"):
            page = place.list_findings(MaxResults=2, NextToken=page["NextToken"], **sort)
            seen += page["FindingIds"]
        assert len(seen) == len(set(seen)) and first <= set(seen), attribute


@check
def an_organization_has_one_administrator():
    place = Place()
    management = place.of(SECOND)
    management.enable_organization_admin_account(AdminAccountId=FIRST["accountId"])
    refused("", management.enable_organization_admin_account, AdminAccountId=SECOND["accountId"])
    for given, shown in [({"AutoEnable": True}, (True, "NEW")), ({"AutoEnableOrganizationMembers": "ALL"}, (True, "ALL")),
                         ({"AutoEnable": False}, (False, "NONE"))]:
        place.update_organization_configuration(**given)
        now = place.describe_organization_configuration()
        assert (now["AutoEnable"], now["AutoEnableOrganizationMembers"]) == shown
    refused("", place.update_organization_configuration, Features=[{"Name": "S3_DATA_EVENTS", "AutoEnable": "NEW"}])
    refused("", place.update_organization_configuration, AutoEnable=True, AutoEnableOrganizationMembers="NEW")
    rule = place.client.list_custom_detection_rules()["Rules"][0]["RuleId"]
    refused("", management.create_custom_detection_rule_org_configuration, code="AccessDeniedException", RuleId=rule, Mode="LIVE")
    place.client.create_custom_detection_rule_org_configuration(RuleId=rule, Mode="LIVE")


for one in checks:
    one()
print(f"Behaviour: {len(checks)} groups of checks hold")

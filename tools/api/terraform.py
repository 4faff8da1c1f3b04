"""The calls that Terraform's provider makes for each of its resources: create and wait, read (which must show what was
written, or the next plan has a difference), update, read, destroy and wait, and read what is gone in the words that the
provider takes for "gone". Anything else is an endless difference, a failed apply, or a state that cannot be refreshed."""

import time

GONE = {
    "detector": "The request is rejected because the input detectorId is not owned by the current account.",
    "filter": "The request is rejected since no such resource found.",
    "publishing destination":
        "The request is rejected because the one or more input parameters have invalid values.",
}


def same(wanted, shown, path):
    """Whether a plan would have no difference: each attribute that is configured reads as it was written."""
    for name, value in wanted.items():
        assert shown.get(name) == value, f"{path}.{name} was written as {value!r} and reads {shown.get(name)!r}"


def wait(read, until, often):
    """Reads until the state is the one that is waited for. A state that is neither is an error for Terraform."""
    for _ in range(200):
        state = read()
        if state in until:
            return state
        assert state in often, f"{state} is no state on the way to {until}"
        time.sleep(0.1)
    raise AssertionError(f"{until} did not come")


def retag(call, arn, before, after):
    call("first", "UntagResource", ResourceArn=arn, TagKeys=sorted(before))
    call("first", "TagResource", ResourceArn=arn, Tags=after)


def detector(call, account):
    """aws_guardduty_detector, aws_guardduty_detector_feature, data.aws_guardduty_detector"""
    sources = {"S3Logs": {"Enable": True}, "Kubernetes": {"AuditLogs": {"Enable": False}}}
    made = call("first", "CreateDetector", Enable=True, FindingPublishingFrequency="SIX_HOURS", DataSources=sources,
                Tags={"a": "1", "b": "2"})["DetectorId"]

    def read():
        shown = call("first", "GetDetector", DetectorId=made)
        sources = shown["DataSources"]
        return {
            "enable": shown["Status"] == "ENABLED", "frequency": shown["FindingPublishingFrequency"],
            "s3": sources["S3Logs"]["Status"], "kubernetes": sources["Kubernetes"]["AuditLogs"]["Status"],
            "tags": shown["Tags"], "features": shown["Features"],
        }

    same({"enable": True, "frequency": "SIX_HOURS", "s3": "ENABLED", "kubernetes": "DISABLED",
          "tags": {"a": "1", "b": "2"}}, read(), "detector")
    call("first", "UpdateDetector", DetectorId=made, Enable=False, FindingPublishingFrequency="ONE_HOUR",
         DataSources={**sources, "S3Logs": {"Enable": False}})
    retag(call, f"arn:aws:guardduty:{call.client.region}:{account}:detector/{made}", ["a", "b"], {"b": "3"})
    same({"enable": False, "frequency": "ONE_HOUR", "s3": "DISABLED", "tags": {"b": "3"}}, read(), "detector")
    call("first", "UpdateDetector", DetectorId=made, Enable=True)

    before = {one["Name"]: one for one in read()["features"]}
    part = [{"Name": "EKS_ADDON_MANAGEMENT", "Status": "ENABLED"}, {"Name": "ECS_FARGATE_AGENT_MANAGEMENT", "Status": "DISABLED"}]
    feature = {"Name": "RUNTIME_MONITORING", "Status": "ENABLED", "AdditionalConfiguration": part}
    for name, wanted in [("RUNTIME_MONITORING", feature), ("RDS_LOGIN_EVENTS", {"Name": "RDS_LOGIN_EVENTS", "Status": "DISABLED"})]:
        call("first", "UpdateDetector", DetectorId=made, Features=[wanted])
        now = [one for one in read()["features"] if one["Name"] == name]
        assert len(now) == 1, f"{name} is listed {len(now)} times"
        assert now[0]["Status"] == wanted["Status"]
        parts = [{"Name": one["Name"], "Status": one["Status"]} for one in now[0].get("AdditionalConfiguration", [])]
        assert parts == wanted.get("AdditionalConfiguration", []), f"{name} reads {parts}"
    after = {one["Name"]: one for one in read()["features"]}
    touched = {"RUNTIME_MONITORING", "RDS_LOGIN_EVENTS"}
    untouched = {name for name, one in before.items() if after.get(name, {}).get("Status") == one["Status"]}
    assert before.keys() - touched <= untouched, "one feature's resource changed another's"
    assert call("first", "ListDetectors")["DetectorIds"] == [made]
    return made


def the_detector_is_gone(call, made):
    call("first", "DeleteDetector", DetectorId=made)
    call.refused("BadRequestException", GONE["detector"], "first", "GetDetector", DetectorId=made)
    assert call("first", "ListDetectors")["DetectorIds"] == []


def filters(call, account, detector):
    """aws_guardduty_filter"""
    criterion = {
        "region": {"Equals": [call.client.region]}, "service.additionalInfo.threatListName": {"NotEquals": ["a", "b"]},
        "updatedAt": {"GreaterThanOrEqual": 1570744740000, "LessThan": 1770744740000}, "severity": {"GreaterThanOrEqual": 4},
    }
    one = {"DetectorId": detector, "FilterName": "mine"}
    call("first", "CreateFilter", DetectorId=detector, Name="mine", Action="ARCHIVE", Rank=1, Description="about",
         FindingCriteria={"Criterion": criterion}, Tags={"a": "1"}, ClientToken="terraform-1")
    wanted = {"Name": "mine", "Action": "ARCHIVE", "Rank": 1, "Description": "about", "Tags": {"a": "1"}}
    shown = call("first", "GetFilter", **one)
    same(wanted, shown, "filter")
    for name, value in criterion.items():
        same(value, shown["FindingCriteria"]["Criterion"][name], name)
    assert shown["FindingCriteria"]["Criterion"].keys() == criterion.keys()
    criterion = {"severity": {"LessThan": 4}}
    call("first", "UpdateFilter", **one, Action="NOOP", Rank=1, Description="", FindingCriteria={"Criterion": criterion})
    retag(call, f"arn:aws:guardduty:{call.client.region}:{account}:detector/{detector}/filter/mine", ["a"], {"c": "d"})
    shown = call("first", "GetFilter", **one)
    same({"Action": "NOOP", "Tags": {"c": "d"}}, shown, "filter")
    assert shown.get("Description", "") == "" and shown["FindingCriteria"]["Criterion"].keys() == criterion.keys()
    call("first", "DeleteFilter", **one)
    call.refused("BadRequestException", GONE["filter"], "first", "GetFilter", **one)


def sets(call, account, detector, bucket):
    """aws_guardduty_ipset, aws_guardduty_threatintelset"""
    bucket("/lists/first.txt", b"198.51.100.7\n203.0.113.0/24\n")
    bucket("/lists/second.txt", b"198.51.100.8\n")
    for kind, wire, segment in [("IPSet", "IpSet", "ipset"), ("ThreatIntelSet", "ThreatIntelSet", "threatintelset")]:
        written = {"Name": "mine", "Format": "TXT", "Location": "s3://lists/first.txt"}
        made = call("first", f"Create{kind}", DetectorId=detector, **written, Activate=True, Tags={"a": "1"})[f"{wire}Id"]
        one = {"DetectorId": detector, f"{wire}Id": made}

        def state():
            return call("first", f"Get{kind}", **one)["Status"]

        wait(state, ["ACTIVE"], ["ACTIVATING"])
        same({**written, "Tags": {"a": "1"}}, call("first", f"Get{kind}", **one), segment)
        assert call("first", f"List{kind}s", DetectorId=detector)[f"{wire}Ids"] == [made]
        call("first", f"Update{kind}", **one, Location="https://s3.amazonaws.com/lists/second.txt", Name="other")
        retag(call, f"arn:aws:guardduty:{call.client.region}:{account}:detector/{detector}/{segment}/{made}", ["a"], {"b": "2"})
        wait(state, ["ACTIVE"], ["ACTIVATING"])
        changed = {"Name": "other", "Location": "https://s3.amazonaws.com/lists/second.txt", "Tags": {"b": "2"}}
        same(changed, call("first", f"Get{kind}", **one), segment)
        call("first", f"Update{kind}", **one, Activate=False)
        wait(state, ["INACTIVE"], ["DEACTIVATING"])
        call("first", f"Delete{kind}", **one)
        wait(state, ["DELETED"], ["ACTIVE", "DELETE_PENDING"])
        assert call("first", f"List{kind}s", DetectorId=detector)[f"{wire}Ids"] == []


def publishing_destination(call, account, detector):
    """aws_guardduty_publishing_destination"""
    key = f"arn:aws:kms:{call.client.region}:{account}:key/1"
    written = {"DestinationArn": "arn:aws:s3:::exports/findings", "KmsKeyArn": key}
    made = call("first", "CreatePublishingDestination", DetectorId=detector, DestinationType="S3",
                DestinationProperties=written)["DestinationId"]
    one = {"DetectorId": detector, "DestinationId": made}

    def state():
        return call("first", "DescribePublishingDestination", **one)["Status"]

    wait(state, ["PUBLISHING"], ["PENDING_VERIFICATION"])
    same(written, call("first", "DescribePublishingDestination", **one)["DestinationProperties"], "destination")
    written["DestinationArn"] = "arn:aws:s3:::exports"
    call("first", "UpdatePublishingDestination", **one, DestinationProperties=written)
    wait(state, ["PUBLISHING"], ["PENDING_VERIFICATION"])
    same(written, call("first", "DescribePublishingDestination", **one)["DestinationProperties"], "destination")
    call("first", "DeletePublishingDestination", **one)
    call.refused("BadRequestException", GONE["publishing destination"], "first", "DescribePublishingDestination", **one)


def members(call, account, member, detector):
    """aws_guardduty_member, aws_guardduty_invite_accepter, aws_guardduty_member_detector_feature"""
    theirs = call("second", "CreateDetector", Enable=True)["DetectorId"]
    ids = {"DetectorId": detector, "AccountIds": [member]}
    call("first", "CreateMembers", DetectorId=detector, AccountDetails=[{"AccountId": member, "Email": "a@example.com"}])
    assert not call("first", "InviteMembers", **ids, Message="hello", DisableEmailNotification=True)["UnprocessedAccounts"]

    def state():
        return call("first", "GetMembers", **ids)["Members"][0]["RelationshipStatus"]

    wait(state, ["Invited", "Enabled", "Disabled"], ["Created", "EmailVerificationInProgress"])
    same({"AccountId": member, "Email": "a@example.com", "MasterId": account},
         call("first", "GetMembers", **ids)["Members"][0], "member")
    found = [one for one in call("second", "ListInvitations")["Invitations"] if one["AccountId"] == account]
    call("second", "AcceptInvitation", DetectorId=theirs, MasterId=account, InvitationId=found[0]["InvitationId"])
    assert call("second", "GetMasterAccount", DetectorId=theirs)["Master"]["AccountId"] == account
    assert state() == "Enabled"

    feature = {"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}
    assert not call("first", "UpdateMemberDetectors", **ids, Features=[feature])["UnprocessedAccounts"]
    shown = call("first", "GetMemberDetectors", **ids)["MemberDataSourceConfigurations"][0]["Features"]
    assert [one["Status"] for one in shown if one["Name"] == "S3_DATA_EVENTS"] == ["DISABLED"]

    call("second", "DisassociateFromMasterAccount", DetectorId=theirs)
    assert not call("second", "GetMasterAccount", DetectorId=theirs).get("Master")
    assert not call("first", "DeleteMembers", **ids)["UnprocessedAccounts"]
    assert call("first", "GetMembers", **ids)["Members"] == []
    call("second", "DeleteDetector", DetectorId=theirs)


def organization(call, account, detector):
    """aws_guardduty_organization_admin_account, …_organization_configuration, …_organization_configuration_feature"""
    call("second", "EnableOrganizationAdminAccount", AdminAccountId=account)

    def state():
        found = [one for one in call("second", "ListOrganizationAdminAccounts")["AdminAccounts"]
                 if one["AdminAccountId"] == account]
        return found[0]["AdminStatus"] if found else "gone"

    wait(state, ["ENABLED"], ["gone"])
    here = {"DetectorId": detector}
    call("first", "UpdateOrganizationConfiguration", **here, AutoEnableOrganizationMembers="ALL")
    shown = call("first", "DescribeOrganizationConfiguration", **here)
    assert shown["AutoEnableOrganizationMembers"] == "ALL"
    agent = [{"Name": "EKS_ADDON_MANAGEMENT", "AutoEnable": "ALL"}]
    for feature in [{"Name": "RUNTIME_MONITORING", "AutoEnable": "NEW", "AdditionalConfiguration": agent},
                    {"Name": "S3_DATA_EVENTS", "AutoEnable": "NONE"}]:
        present = call("first", "DescribeOrganizationConfiguration", **here)["AutoEnableOrganizationMembers"]
        call("first", "UpdateOrganizationConfiguration", **here, AutoEnableOrganizationMembers=present, Features=[feature])
        shown = call("first", "DescribeOrganizationConfiguration", **here)
        now = [one for one in shown["Features"] if one["Name"] == feature["Name"]]
        assert len(now) == 1 and shown["AutoEnableOrganizationMembers"] == "ALL"
        same({"AdditionalConfiguration": [], **feature}, {"AdditionalConfiguration": [], **now[0]}, "organization feature")
    call("second", "DisableOrganizationAdminAccount", AdminAccountId=account)
    wait(state, ["gone"], ["ENABLED", "DISABLE_IN_PROGRESS"])


def malware_protection_plan(call, account):
    """aws_guardduty_malware_protection_plan"""
    bucket = {"S3Bucket": {"BucketName": "uploads", "ObjectPrefixes": ["in/"]}}
    written = {"Role": f"arn:aws:iam::{account}:role/scan", "ProtectedResource": bucket}
    made = call("first", "CreateMalwareProtectionPlan", **written, Actions={"Tagging": {"Status": "ENABLED"}},
                Tags={"a": "1"}, ClientToken="terraform-2")["MalwareProtectionPlanId"]
    one = {"MalwareProtectionPlanId": made}
    shown = call("first", "GetMalwareProtectionPlan", **one)
    same({**written, "Tags": {"a": "1"}, "Actions": {"Tagging": {"Status": "ENABLED"}}}, shown, "plan")
    assert shown["Status"] in ["ACTIVE", "WARNING", "ERROR"]
    call("first", "UpdateMalwareProtectionPlan", **one, Actions={"Tagging": {"Status": "DISABLED"}},
         ProtectedResource={"S3Bucket": {"ObjectPrefixes": ["other/"]}})
    retag(call, shown["Arn"], ["a"], {"b": "2"})
    bucket["S3Bucket"]["ObjectPrefixes"] = ["other/"]
    same({**written, "Tags": {"b": "2"}, "Actions": {"Tagging": {"Status": "DISABLED"}}},
         call("first", "GetMalwareProtectionPlan", **one), "plan")
    call("first", "DeleteMalwareProtectionPlan", **one)
    call.refused("ResourceNotFoundException", "", "first", "GetMalwareProtectionPlan", **one)


def finding_ids(call, detector):
    """data.aws_guardduty_finding_ids"""
    assert call("first", "ListFindings", DetectorId=detector)["FindingIds"] == []
    call("first", "CreateSampleFindings", DetectorId=detector, FindingTypes=["Recon:EC2/Portscan"])
    assert len(call("first", "ListFindings", DetectorId=detector)["FindingIds"]) == 1


def run(call, first, second, bucket):
    """Every resource and data source, in an account and region that hold nothing yet."""
    made = detector(call, first)
    filters(call, first, made)
    sets(call, first, made, bucket)
    publishing_destination(call, first, made)
    members(call, first, second, made)
    organization(call, first, made)
    malware_protection_plan(call, first)
    finding_ids(call, made)
    the_detector_is_gone(call, made)
    print("Terraform's call sequences: 13 resources, 2 data sources, no difference after any write")

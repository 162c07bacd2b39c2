"""What Terraform does for each kind of resource in infra/terraform: made, read at each plan, changed, tagged, removed.

A test compares the table with the templates, so that a resource without its actions fails. The names are those of the
action tables that could be read: SMN (smn_ug_0034_1), LTS (lts-03205), EventGrid (eg-api-024), TMS, VPC and its tags,
IAM, CTS as FunctionGraph asks for it (functiongraph_01_0160). Where no page could be read that names all actions of a
type, all of the type are meant (``type:*``): APIG, Cloud Eye, alarms of LTS, some tags. OBS and
FunctionGraph name their resources, and have theirs in ``needs``; here they are empty.
"""

from __future__ import annotations


def _four(kind: str) -> tuple[str, ...]:
    """Return what makes, reads, changes and removes things of a type, by their usual names."""
    return tuple(f"{kind}:{verb}" for verb in ("create", "get", "list", "update", "delete"))


_TOPIC = ("smn:topic:create", "smn:topic:list", "smn:topic:update", "smn:topic:delete")
_AGENCY = (
    "iam:agencies:createAgency",
    "iam:agencies:getAgency",
    "iam:agencies:listAgencies",
    "iam:agencies:updateAgency",
    "iam:agencies:deleteAgency",
    "iam:permissions:*",  # grants and revokes of roles for an agency: on the account, on a project, on all projects
    "iam:projects:listProjects",
    "iam:roles:listRoles",
    "iam:roles:getRole",
)

#: Kind of resource or data source -> the actions, all of the region's project but for IAM's.
ACTIONS: dict[str, tuple[str, ...]] = {
    "huaweicloud_apig_api": ("apig:apis:*", "apig:instances:get", "apig:instances:list"),
    "huaweicloud_apig_api_publishment": ("apig:apis:*", "apig:envs:get", "apig:envs:list"),
    "huaweicloud_apig_application": ("apig:apps:*", "apig:appCodes:*"),
    "huaweicloud_apig_application_authorization": ("apig:apis:*", "apig:apps:*"),
    "huaweicloud_apig_group": ("apig:groups:*", "apig:tags:*"),
    "huaweicloud_apig_throttling_policy": ("apig:throttles:*",),
    "huaweicloud_apig_throttling_policy_associate": ("apig:throttles:*", "apig:apis:*"),
    "huaweicloud_ces_alarmrule": ("ces:alarms:*", "ces:metrics:list"),
    # The three of infra/terraform/watch (api-ces, CreateDashboardWidgets; api-lts, lts_api_0081).
    "huaweicloud_ces_dashboard": ("ces:dashboards:*",),
    "huaweicloud_ces_dashboard_widget": ("ces:widgets:*",),
    "huaweicloud_lts_keywords_alarm_rule": ("lts:sqlalarmrules:*",),
    "huaweicloud_cts_notification": (
        "cts:notification:create", "cts:notification:list", "cts:notification:update", "cts:notification:delete",
        "cts:operation:list", "cts:tracker:list",
    ),
    "huaweicloud_eg_custom_event_channel": _four("eg:channels"),
    "huaweicloud_eg_custom_event_source": _four("eg:sources"),
    "huaweicloud_eg_event_channels": ("eg:channels:list",),
    "huaweicloud_fgs_async_invoke_configuration": (),
    "huaweicloud_fgs_function": (),
    # EventGrid's own part of a trigger is a subscription there.
    "huaweicloud_fgs_function_trigger": (*_four("eg:subscriptions"), "eg:sources:list"),
    "huaweicloud_identity_agency": _AGENCY,
    "huaweicloud_identity_role": (
        "iam:roles:createRole", "iam:roles:getRole", "iam:roles:listRoles", "iam:roles:updateRole",
        "iam:roles:deleteRole",
    ),
    "huaweicloud_lts_group": (
        "lts:groups:create", "lts:groups:get", "lts:groups:list", "lts:groups:put", "lts:groups:delete",
        "lts:resourceTags:*",
    ),
    "huaweicloud_lts_stream": (
        "lts:topics:create", "lts:topics:get", "lts:topics:list", "lts:topics:put", "lts:topics:delete",
        "lts:logstreams:list", "lts:logstreams:delete", "lts:resourceTags:*",
    ),
    "huaweicloud_obs_bucket": (),
    "huaweicloud_obs_bucket_object": (),
    "huaweicloud_obs_bucket_policy": (),
    # Whoever subscribes an address updates the topic.
    "huaweicloud_smn_subscription": ("smn:topic:list", "smn:topic:update"),
    "huaweicloud_smn_topic": (*_TOPIC, "smn:tag:create", "smn:tag:list", "smn:tag:update", "smn:tag:delete"),
    "huaweicloud_vpc": (*_four("vpc:vpcs"), "vpc:vpcTags:*"),
    "huaweicloud_vpc_subnet": (*_four("vpc:subnets"), "vpc:subnetTags:*", "vpc:ports:get", "vpc:ports:list"),
    "terraform_data": (),
}  # fmt: skip
#: Services whose actions are granted for the account, not in a project.
ACCOUNTS = ("iam", "tms", "eps")
#: What `make destroy` asks beside: what has the deployment's tag (TMS, action table).
REMAINS = ("tms:resources:list", "tms:resourceTags:list")
#: The system role that may ask TMS which kinds of resources there are; no action of a custom policy can.
GUEST = "Tenant Guest"


def actions() -> set[str]:
    """Return all actions of the templates, and of what looks for remains."""
    return {action for some in ACTIONS.values() for action in some} | set(REMAINS)

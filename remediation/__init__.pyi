"""The author API: every name that runbooks are written with. This file is the one list; nothing is loaded before it is used."""

# A runbook: the function with its steps, what it acts on, and the files beside it
from remediation.catalogue.runbook import runbook as runbook
from remediation.catalogue.diagnosis import diagnosis as diagnosis
from remediation.model.status import Risk as Risk
from remediation.model.status import RowClass as RowClass
from remediation.model.steps import Steps as Steps
from remediation.model.targets import Cluster as Cluster
from remediation.model.targets import Project as Project
from remediation.catalogue.manifests import manifest as manifest
from remediation.catalogue.manifests import file_beside as file_beside

# Its options: `Annotated[Cidrs, "help"]`; a type of your own is `Annotated[str, Spelling("WORD", parse)]`
from remediation.catalogue.values import Cidr as Cidr
from remediation.catalogue.values import Cidrs as Cidrs
from remediation.catalogue.values import Count as Count
from remediation.catalogue.values import Email as Email
from remediation.catalogue.values import Namespace as Namespace
from remediation.catalogue.values import ObjectName as ObjectName
from remediation.catalogue.values import PinnedImage as PinnedImage
from remediation.catalogue.values import RegistryHost as RegistryHost
from remediation.catalogue.parameters import Spelling as Spelling

# What has to hold, else the plan ends here
from remediation.model.preconditions import need as need
from remediation.model.preconditions import allow as allow
from remediation.model.preconditions import applies as applies

# What a step may be besides a resource: waiting for a proof, doing something for a while, undoing in order
from remediation.model.steps import Ensure as Ensure
from remediation.model.steps import During as During
from remediation.model.steps import WhenUndone as WhenUndone

# What is kept of what was looked at; an artefact of your own is recorded too
from remediation.model.artefacts import Collect as Collect
from remediation.model.artefacts import ArtefactDefaults as ArtefactDefaults
from remediation.providers.kubernetes.container_log import ContainerLog as ContainerLog

# What is left to a person
from remediation.model.steps import Advise as Advise

# What a plan tells a person beside its changes
from remediation.model.redaction import redacted as redacted
from remediation.model.remarks import Caution as Caution
from remediation.model.remarks import Evidence as Evidence
from remediation.model.remarks import Note as Note
from remediation.model.remarks import Unchecked as Unchecked
from remediation.model.remarks import few as few

# What a diagnosis reports
from remediation.model.steps import Finding as Finding

# What to type next
from remediation.model.commands import Command as Command
from remediation.model.commands import Hint as Hint
from remediation.model.commands import advice as advice
from remediation.model.commands import command as command
from remediation.model.commands import repeat as repeat

# How it breaks, and what a person then sees
from remediation.model.scenarios import Scenario as Scenario
from remediation.model.scenarios import Symptom as Symptom
from remediation.model.scenarios import World as World

# Questions that are asked once, by facts of your own too
from remediation.model.facts import Fact as Fact
from remediation.model.facts import Facts as Facts
from remediation.model.rights import Permission as Permission
from remediation.model.api import Api as Api
from remediation.model.api import GoogleApi as GoogleApi
from remediation.model import limits as limits

# Resources and checks of your own: frozen dataclasses that a journal can record
from remediation.model.records import recorded as recorded
from remediation.model.steps import ResourceDefaults as ResourceDefaults
from remediation.model.steps import CheckDefaults as CheckDefaults
from remediation.model.references import Later as Later
from remediation.model.long_writes import LongWrites as LongWrites
from remediation.model.long_writes import Underway as Underway
from remediation.model.steps import Verdict as Verdict
from remediation.model.changes import Change as Change
from remediation.model.changes import Intent as Intent
from remediation.model.changes import Seen as Seen
from remediation.model.changes import Written as Written
from remediation.model.diffing import State as State
from remediation.model.diffing import ABSENT as ABSENT
from remediation.model.diffing import KNOWN_AFTER_APPLY as KNOWN_AFTER_APPLY

# What an API may answer instead, and what a resource may refuse
from remediation.model.errors import ApiError as ApiError
from remediation.model.errors import Conflict as Conflict
from remediation.model.errors import Forbidden as Forbidden
from remediation.model.errors import Invalid as Invalid
from remediation.model.errors import NotFound as NotFound
from remediation.model.errors import Occupied as Occupied
from remediation.model.errors import OperationFailed as OperationFailed
from remediation.model.errors import Refused as Refused
from remediation.model.errors import StalePlan as StalePlan
from remediation.model.errors import Unauthorized as Unauthorized
from remediation.model.errors import Unavailable as Unavailable
from remediation.model.errors import UsageProblem as UsageProblem

# Secrets, which are never shown
from remediation.model.secrets import MASK as MASK
from remediation.model.secrets import Secret as Secret
from remediation.model.secrets import ServiceAccountKey as ServiceAccountKey
from remediation.model.secrets import load_json as load_json

# Addresses
from remediation.model.ranges import Network as Network
from remediation.model.ranges import collapsed as collapsed
from remediation.model.ranges import network as network
from remediation.model.ranges import networks as networks

# Images, the hosts that they come from, and why they could not be pulled
from remediation.model.images import image_host as image_host
from remediation.model.images import registry_host as registry_host
from remediation.model.images import repository as repository
from remediation.model.images import same_host as same_host
from remediation.model.pull_failures import PullFailure as PullFailure
from remediation.model.pull_failures import classify_pull_failure as classify_pull_failure
from remediation.model.pull_failures import may_not_exist as may_not_exist
from remediation.providers.kubernetes.failed_pulls import CREDENTIALS as CREDENTIALS
from remediation.providers.kubernetes.failed_pulls import FailedPull as FailedPull
from remediation.providers.kubernetes.failed_pulls import FailedPulls as FailedPulls
from remediation.providers.kubernetes.pod_images import containers_of as containers_of
from remediation.providers.kubernetes.pod_images import controller_of as controller_of
from remediation.providers.kubernetes.pod_images import pull_failures as pull_failures
from remediation.providers.kubernetes.pod_images import pulls_from as pulls_from
from remediation.providers.kubernetes.pod_images import has_started as has_started
from remediation.providers.kubernetes.pod_images import container_has_started as container_has_started

# Kubernetes: objects, pods, rollouts and what kubelets report
from remediation.model.diffing import merge as merge
from remediation.model.refs import FIELD_MANAGER as FIELD_MANAGER
from remediation.model.refs import MANAGED_BY as MANAGED_BY
from remediation.model.refs import Ref as Ref
from remediation.providers.kubernetes.facts import NODES as NODES
from remediation.providers.kubernetes.facts import ObjectNamed as ObjectNamed
from remediation.providers.kubernetes.facts import ObjectsOf as ObjectsOf
from remediation.providers.kubernetes.kubelet_events import KUBELET_EVENT_FIELDS as KUBELET_EVENT_FIELDS
from remediation.providers.kubernetes.kubelet_events import KubeletReport as KubeletReport
from remediation.providers.kubernetes.kubelet_events import event_text as event_text
from remediation.providers.kubernetes.kubelet_events import events_are_text as events_are_text
from remediation.providers.kubernetes.kubelet_events import kubelet_reports as kubelet_reports
from remediation.providers.kubernetes.late_writes import Patched as Patched
from remediation.providers.kubernetes.late_writes import guarded_patch as guarded_patch
from remediation.providers.kubernetes.late_writes import repeatedly as repeatedly
from remediation.providers.kubernetes.objects import AT_DEADLINE as AT_DEADLINE
from remediation.providers.kubernetes.gone import Gone as Gone
from remediation.providers.kubernetes.without import Without as Without
from remediation.providers.kubernetes.objects import KubernetesObject as KubernetesObject
from remediation.providers.kubernetes.objects import ROW_ANNOTATION as ROW_ANNOTATION
from remediation.providers.kubernetes.objects import RUN_ANNOTATION as RUN_ANNOTATION
from remediation.providers.kubernetes.objects import is_made_by as is_made_by
from remediation.providers.kubernetes.objects import require_made_by as require_made_by
from remediation.providers.kubernetes.ownership import owner_of as owner_of
from remediation.providers.kubernetes.pods import live_pods as live_pods
from remediation.providers.kubernetes.pods import name_of as name_of
from remediation.providers.kubernetes.pods import takes_pod_address as takes_pod_address
from remediation.providers.kubernetes.removal import remove_object as remove_object
from remediation.providers.kubernetes.rollouts import DaemonSetRolledOut as DaemonSetRolledOut

# Google Cloud: projects, accounts and grants
from remediation.providers.google.facts import ApiEnabled as ApiEnabled
from remediation.providers.google.facts import GoogleAccount as GoogleAccount
from remediation.providers.google.facts import MemberRoles as MemberRoles
from remediation.providers.google.facts import ProjectGrant as ProjectGrant
from remediation.providers.google.facts import ProjectNumber as ProjectNumber
from remediation.providers.google.fields import GoogleField as GoogleField
from remediation.providers.google.iam import ProjectIamMember as ProjectIamMember

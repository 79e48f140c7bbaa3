"""The verbs as a Python API. This file is the one list; nothing is loaded before it is used."""

# Where to work, and every verb
from remediation.verbs.workspace import Workspace as Workspace
from remediation.verbs.settings import Settings as Settings
from remediation.verbs.settings import Sandbox as Sandbox
from remediation.access.stopping import Stop as Stop

# What is told meanwhile
from remediation.verbs.observing import Observer as Observer
from remediation.verbs.observing import Silent as Silent

# What is asked for
from remediation.verbs.request import Request as Request
from remediation.engine.consent import Consent as Consent
from remediation.verbs.saved_plan import SavedPlan as SavedPlan
from remediation.verbs.saved_plan import read_saved as read_saved
from remediation.verbs.running import Approval as Approval
from remediation.verbs.running import OnUnhealthy as OnUnhealthy

# What comes of it
from remediation.verbs.diagnosing import Diagnosis as Diagnosis
from remediation.verbs.planned import Planned as Planned
from remediation.verbs.recorded import Recorded as Recorded
from remediation.verbs.history import Record as Record
from remediation.verbs.history import Audit as Audit
from remediation.verbs.doctor import Answer as Answer
from remediation.verbs.rights import Rights as Rights
from remediation.engine.outcome import Outcome as Outcome
from remediation.verbs.documents import document as document
from remediation.engine.run import Run as Run
from remediation.journal.stores import newest as newest
from remediation.model.status import Status as Status
from remediation.model.steps import Finding as Finding

# What a record says, in words
from remediation.engine.listed import ended as ended
from remediation.engine.listed import iso as iso
from remediation.engine.listed import who as who
from remediation.engine.outcome import ways_on as ways_on

# What goes wrong; the whole tree is drawn in `remediation.model.errors`
from remediation.model.errors import RunbookError as RunbookError
from remediation.model.errors import UsageProblem as UsageProblem
from remediation.model.errors import Refused as Refused
from remediation.model.errors import StalePlan as StalePlan
from remediation.model.errors import NotApplicable as NotApplicable
from remediation.model.errors import ApiError as ApiError

# Something to rehearse on
from remediation.verbs.breaking import ServedWorld as ServedWorld

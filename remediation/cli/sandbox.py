"""``runbook sandbox``: the embedded cluster and cloud."""

from __future__ import annotations

import functools
import os
import shlex
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from remediation.cli.completing import scenarios
from remediation.cli.console import say
from remediation.cli.layout import labelled
from remediation.cli.near_names import NearNames
from remediation.cli.options import output_option
from remediation.cli.running_sandbox import running_sandbox
from remediation.model.commands import command
from remediation.model.errors import UsageProblem

if TYPE_CHECKING:
    from remediation.model.scenarios import Scenario, World


def _kind_option(function: Callable[..., int]) -> Callable[..., int]:
    """Give a verb its kind: ``--sandbox=real`` as everywhere else, or ``--real`` for short."""

    @functools.wraps(function)
    def with_kind(*, real: bool, sandbox: str | None, **values: Any) -> int:
        if sandbox not in (None, "emulated", "real"):
            raise UsageProblem(f"--sandbox {sandbox!r} is unknown; allowed is --sandbox or --sandbox=real")
        return function(kind="real" if real or sandbox == "real" else "emulated", **values)

    where = click.option(
        "--sandbox",
        metavar="[real]",
        is_flag=False,
        flag_value="emulated",
        default=None,
        help="--sandbox=real for a real control plane; needs KUBEBUILDER_ASSETS.",
    )
    return click.option("--real", is_flag=True, hidden=True)(where(with_kind))


@click.group("sandbox", cls=NearNames)
def sandbox_command() -> None:
    """Start, break and stop the embedded cluster and cloud."""


def _verb(name: str) -> Callable[[Callable[..., int]], click.Command]:
    def make(function: Callable[..., int]) -> click.Command:
        return sandbox_command.command(name)(_kind_option(output_option(function)))

    return make


@_verb("up")
def up(kind: str, output: str | None) -> int:
    """Start it, if it does not run."""
    started = time.monotonic()
    found = running_sandbox(kind)
    if output == "json":
        return _print_status(kind)
    say(
        f"ready after {time.monotonic() - started:.2f} s: {found.endpoints['kubernetes']}\n"
        f"next:  runbook sandbox break{_real(kind)}\n  or:  {_eval(kind)}"
    )
    return 0


def _print_status(kind: str) -> int:
    from runbook_sandbox.process import status as state  # noqa: PLC0415

    _print(state(kind))
    return 0


@_verb("down")
def down(kind: str, output: str | None) -> int:
    """Stop it and remove everything of it, its journal of runs too."""
    from runbook_sandbox.process import down as stop  # noqa: PLC0415

    existed = stop(kind)
    if output == "json":
        return _print_status(kind)
    say("stopped and removed" if existed else "there was none")
    return 0


@_verb("status")
def status(kind: str, output: str | None) -> int:
    """Say whether it runs, and where."""
    from runbook_sandbox.process import status as state  # noqa: PLC0415

    if output == "json":
        return _print_status(kind)
    found = state(kind)
    say(f"{'running' if found['running'] else 'not running'}   kubeconfig {found['kubeconfig']}")
    for name, where in found["endpoints"].items():
        say(f"  {name:<10} {where}")
    say(f"next:  runbook sandbox {'break' if found['running'] else 'up'}{_real(kind)}")
    return 0


@sandbox_command.command("env")
@click.option("--unset", is_flag=True, help="Print what leaves the sandbox: everything as it was before.")
@_kind_option
@output_option
def env(unset: bool, kind: str, output: str | None) -> int:
    """Print what kubectl and gcloud need to work on it, for the shell: eval "$(runbook sandbox env)"."""
    from runbook_sandbox.environment import entering, leaving  # noqa: PLC0415 - only this verb needs it

    found = leaving(os.environ) if unset else entering(running_sandbox(kind), os.environ)
    if output == "json":
        _print({"variables": found})
        return 0
    for name, value in found.items():
        say(f"unset {name};" if value is None else f"export {name}={shlex.quote(value)};")
    if not unset:
        # Last, so that it does no harm where a shell is told to evaluate all of this as one line.
        say(f"# for this shell:  {_eval(kind)}")
        say('# to leave again:  eval "$(runbook sandbox env --unset)"')
    return 0


@sandbox_command.command("break")
@click.argument("scenario", required=False, shell_complete=scenarios)
@_kind_option
@output_option
def break_it(scenario: str | None, kind: str, output: str | None) -> int:
    """Break something; without SCENARIO list what can be broken."""
    from remediation.catalogue.scenarios import find, rehearsed  # noqa: PLC0415

    if scenario is None:
        return _list(rehearsed(), kind, output)
    fault = find(scenario)
    if kind not in fault.servers:
        lacks = f"{scenario} cannot be played with --sandbox={kind}: simulated nodes have nothing that could break so"
        raise UsageProblem(lacks, "nothing was changed", command("runbook", "sandbox", "break", scenario))
    world = _world(kind)
    fault.breaks(world)
    more = " --sandbox" + ("=real" if kind == "real" else "")
    ways = [f"runbook diagnose{more}", *([] if fault.ends == "refused" else [_fix(fault, world, more)])]
    if output == "json":
        _print({"scenario": scenario, "summary": fault.summary, "fix": ways[-1]})
    else:
        told = [f"{label}  {way}" for label, way in zip(("next:", "then:"), ways, strict=False)]
        say("\n".join([*labelled("broken: ", fault.summary), *told]))
    return 0


def _fix(fault: Scenario, world: World, more: str) -> str:
    return f"runbook run {shlex.join(fault.words(world.places))}{more}"


def _real(kind: str) -> str:
    return " --sandbox=real" if kind == "real" else ""


def _eval(kind: str) -> str:
    return f'eval "$(runbook sandbox env{_real(kind)})"'


def _list(scenarios: dict[str, Any], kind: str, output: str | None) -> int:
    if output == "json":
        _print({"scenarios": [{"name": name, "summary": item.summary} for name, item in scenarios.items()]})
        return 0
    for name, item in scenarios.items():
        say("\n".join(labelled(f"{name:<24} ", item.summary)))
    say(f"next:  runbook sandbox break {next(iter(scenarios))}{_real(kind)}")
    return 0


def _world(kind: str) -> World:
    """Return the world of the running sandbox."""
    from remediation.verbs import ServedWorld  # noqa: PLC0415
    from runbook_sandbox.nodes.marks import MARKS  # noqa: PLC0415
    from runbook_sandbox.places import places  # noqa: PLC0415

    found, real = running_sandbox(kind), kind == "real"
    return ServedWorld.of_sandbox(found, found.tell, places(real=real), MARKS, real=real)


def _print(value: Any) -> None:
    from remediation.cli.render import print_json  # noqa: PLC0415 - the renderer loads the engine

    print_json(value)

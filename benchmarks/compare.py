"""Compare this project with the shell script, the diff and the playbook that people use instead.

    KUBEBUILDER_ASSETS=… .venv/bin/python benchmarks/compare.py [--runs 10] [--json FILE]

Every command is a new process on one real control plane. The contenders of a comparison take turns, so that a busy
moment of the machine meets all of them; only repeated runs are measured contender by contender, because each must find
its own work done. The cluster is reset outside of the time that is measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from subjects import Bench, Sample, Subject, SubjectError, changing, previewing, runbook

from runbook_sandbox.control_plane import ControlPlane, running_or_reason

PEAK_MB = 90.0
NOOP_REQUESTS = 8
STARTUP_SECONDS = 0.15
RATIOS = {"run": 1.5, "plan": 2.0}

Samples = dict[str, dict[str, Sample]]


def _nothing() -> None:
    pass


def _compare(
    bench: Bench, subjects: Sequence[Subject], runs: int, before: Callable[[], None], after: Callable[[], None]
) -> dict[str, Sample]:
    samples = {subject.name: Sample() for subject in subjects}
    for _ in range(runs):
        for subject in subjects:
            _measure(bench, subject, samples[subject.name], before, after)
    return samples


def _measure(
    bench: Bench, subject: Subject, sample: Sample, before: Callable[[], None], after: Callable[[], None]
) -> None:
    if sample.failure:
        return
    before()
    try:
        bench.measure(subject, sample)
        after()
    except SubjectError as error:
        # The other contenders are still worth their numbers.
        sample.failure = str(error)


def _again(bench: Bench, subject: Subject, runs: int) -> dict[str, Sample]:
    bench.reset()
    first = Sample()
    _measure(bench, subject, first, _nothing, bench.require_done)
    if first.failure:
        return {subject.name: first}
    return _compare(bench, [subject], runs, _nothing, bench.require_done)


def measure_all(bench: Bench, runs: int) -> Samples:
    """Return the samples of every comparison, by its name and the contender's."""
    bench.reset()
    subjects = changing(bench.kubeconfig)
    again: dict[str, Sample] = {}
    for subject in subjects:
        again |= _again(bench, subject, runs)
    return {
        "run": _compare(bench, subjects, runs, bench.reset, bench.require_done),
        "run again": again,
        "plan": _preview(bench, runs),
        "list": _compare(bench, [runbook("list")], runs, _nothing, _nothing),
        "--help": _compare(bench, [runbook("--help")], runs, _nothing, _nothing),
    }


def _preview(bench: Bench, runs: int) -> dict[str, Sample]:
    bench.reset()
    return _compare(bench, previewing(bench.kubeconfig), runs, _nothing, _nothing)


def verdicts(samples: Samples) -> list[tuple[str, float, float]]:
    """Return every target that was measured: its description, the value, and the most it may be."""
    found = [
        (f"{case}: times the seconds of kubectl", ratio, RATIOS[case])
        for case in RATIOS
        if (ratio := _ratio(samples[case])) is not None
    ]
    for case in ("list", "--help"):
        found += [(f"{case}: seconds", value, STARTUP_SECONDS) for value in _median(samples[case]["runbook"].seconds)]
    ours = [contenders["runbook"] for contenders in samples.values()]
    found += [
        ("run again: API requests", value, NOOP_REQUESTS) for value in _median(samples["run again"]["runbook"].requests)
    ]
    peaks = [peak for sample in ours for peak in sample.peak_mb]
    return found + ([("peak memory in MB", max(peaks), PEAK_MB)] if peaks else [])


def _median(values: Sequence[float]) -> list[float]:
    return [statistics.median(values)] if values else []


def _ratio(contenders: dict[str, Sample]) -> float | None:
    ours, theirs = contenders["runbook"], contenders.get("kubectl", Sample())
    if not ours.seconds or not theirs.seconds:
        return None
    return statistics.median(ours.seconds) / statistics.median(theirs.seconds)


def _row(case: str, name: str, contenders: dict[str, Sample]) -> str:
    sample = contenders[name]
    if sample.failure or not sample.seconds:
        return f"{case:<10} {name:<8} {sample.failure}"
    base = contenders.get("kubectl", Sample()).seconds
    median = statistics.median(sample.seconds)
    ratio = f"{median / statistics.median(base):.2f}" if base else "-"
    times = f"{median:>8.3f} {min(sample.seconds):>8.3f} {max(sample.seconds):>8.3f} {ratio:>7}"
    return f"{case:<10} {name:<8} {times} {statistics.median(sample.requests):>9.0f} {max(sample.peak_mb):>8.1f}"


def report(samples: Samples) -> str:
    """Return the table of all comparisons and the targets beside what was measured."""
    head = f"{'':<10} {'':<8} {'median s':>8} {'min s':>8} {'max s':>8} {'ratio':>7} {'requests':>9} {'peak MB':>8}"
    rows = [_row(case, name, contenders) for case, contenders in samples.items() for name in contenders]
    missing = [] if shutil.which("ansible-playbook") else ["run        ansible  not installed"]
    marks = [
        f"{'met   ' if value <= most else 'MISSED'} {what}: {value:.2f}, at most {most:g}"
        for what, value, most in verdicts(samples)
    ]
    return "\n".join([head, *rows, *missing, "", *marks])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare this project with kubectl scripts and Ansible.")
    parser.add_argument("--runs", type=int, default=10, help="how often each command is run (default 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to a file too")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 0 when every command did its work and every target is met."""
    arguments = _arguments()
    reason = running_or_reason()
    if isinstance(reason, str):
        print(reason, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch, ControlPlane.start(Path(scratch, "plane")) as plane:
        samples = measure_all(Bench(plane, Path(scratch)), arguments.runs)
    print(report(samples))
    if arguments.json:
        arguments.json.write_text(json.dumps(_document(samples, arguments.runs), indent=2))
    failed = any(sample.failure for contenders in samples.values() for sample in contenders.values())
    return int(failed or any(value > most for _, value, most in verdicts(samples)))


def _document(samples: Samples, runs: int) -> dict[str, object]:
    measured = {
        case: {name: asdict(sample) for name, sample in contenders.items()} for case, contenders in samples.items()
    }
    targets = [{"what": what, "measured": value, "at_most": most} for what, value, most in verdicts(samples)]
    return {"runs": runs, "comparisons": measured, "targets": targets}


if __name__ == "__main__":
    sys.exit(main())

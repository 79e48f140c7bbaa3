"""What is printed as the next step leads on: it is a command that exists, on runs that exist, and not the one just typed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from remediation.catalogue.scenarios import rehearsed
from remediation.testing.planted import key_file
from runbook_sandbox.kubernetes.requests import User
from runbook_sandbox.places import HOST, places
from tests.engine.world import SCENARIOS, Held, World, break_, end, start
from tests.running import google_env

_NEXT = re.compile(r"^ *(?:next|or|then): +(.+)$|^Try '(runbook .*)' for help", re.MULTILINE)
# In a sentence, a command ends where the sentence goes on.
_IN_WORDS = re.compile(r"\brunbook (?:[a-z]+ )[^,;]+")
_KNOWN = ("runbook", "kubectl", "gcloud", "ls", "df", "unset", "timedatectl", "export")
_MOST = 40


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it says to type next."""

    code: int
    text: str

    @property
    def ways(self) -> list[str]:
        return [way or instead for way, instead in _NEXT.findall(self.text)]

    @property
    def commands(self) -> list[str]:
        """The commands of this program among the ways, also those inside of a sentence."""
        return [
            found.strip()
            for way in self.ways
            for found in ([way] if way.startswith("runbook ") else _IN_WORDS.findall(way))
        ]


@dataclass
class Walker:
    """A person who types what is printed, on one world and with one journal."""

    world: World
    folder: Path
    store: str
    kubeconfig: Path | None = None
    seen: dict[str, Answer] = field(default_factory=dict)

    def place(self, verb: str) -> list[str]:
        """The options that name the target and the store, as far as a verb has them."""
        where = [
            "--kubeconfig",
            str(self.kubeconfig or self.world.kubeconfig),
            "--context",
            "sandbox",
            "--project",
            "example-prod",
        ]
        target = (
            [] if verb in ("runs", "audit", "pause") else [*where, "--location", "europe-west3", "--cluster", "sandbox"]
        )
        return [] if verb in ("list", "sandbox") else [*target, "--store", self.store]

    def type(self, words: list[str]) -> Answer:
        """Run a command as it stands, in the test's folder."""
        env = google_env(self.world.google, self.world.folder)
        found = self.world.program.run(*words, env=env)
        assert "code" in found, f"{words}: {found}"
        return Answer(found["code"], found["text"])

    def walk(self, *words: str) -> Answer:
        """Type a command with the place, and then everything that it and its followers print."""
        first = self.type([*words, *self.place(words[0])])
        told = shlex.join(["runbook", *words])
        waiting = [(told, first, command) for command in first.commands]
        self._look(told, first)
        while waiting:
            before, answer, command = waiting.pop(0)
            if command in self.seen:
                continue
            assert len(self.seen) < _MOST, f"no end of it: {list(self.seen)}"
            now = self.seen[command] = self._typed(command)
            self._leads_on(before, answer, command, now)
            waiting += [(command, now, following) for following in now.commands]
        return first

    def _typed(self, command: str) -> Answer:
        line, _, reads = command.partition(" < ")
        words = shlex.split(line)
        assert words[0] == "runbook"
        assert not [word for word in words if re.fullmatch(r"NAME|RUN|FILE|CIDR", word)], f"a gap to fill: {command}"
        assert not reads, f"not tried here: {command}"
        return self.type(words[1:])

    def _leads_on(self, before: str, answer: Answer, command: str, now: Answer) -> None:
        said = f"after `{before}` (exit {answer.code}) came `{command}` (exit {now.code}):\n{now.text}"
        assert now.code != 2, f"no valid command, {said}"
        assert "there is no run" not in now.text, said
        assert "no run was made" not in now.text, said
        assert not (now.code and command in now.commands), f"says itself again, {said}"
        same = now.code and now.code == answer.code and now.commands == answer.commands
        assert not same, f"the same again, {said}"
        self._look(command, now)

    def _look(self, command: str, answer: Answer) -> None:
        assert "bug:" not in answer.text, f"{command}\n{answer.text}"
        for way in answer.ways:
            assert "None" not in way, f"{command}\n{answer.text}"
            assert way.split()[0] in _KNOWN or " " in way, f"{command}\n{answer.text}"
        if answer.code not in (0, 10):
            assert answer.ways, f"{command} ends with {answer.code} and leaves one alone:\n{answer.text}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to be in, with a key file of the name that hints use."""
    made = tmp_path_factory.mktemp("here")
    shutil.copy(key_file(made), made / "KEY.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        for name in ("HOME", "XDG_STATE_HOME"):  # what one of the commands starts or makes stays here
            patch.setenv(name, str(made))
        yield made


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    """One world for all walks; each begins with it as it was at first."""
    made = World(folder)
    assert made.program  # it stays in the folder that it was started in
    yield made
    made.close()


@pytest.fixture
def walker(world: World, folder: Path, tmp_path: Path) -> Walker:
    """Somebody with a journal of his own, on a world where nothing is broken."""
    world.set_back()
    return Walker(world, folder, str(tmp_path / "journal.db"))


def fix_of(scenario: str) -> list[str]:
    """Return the runbook with its parameters that heals a scenario."""
    return SCENARIOS[scenario].words(places(real=False))


@pytest.mark.parametrize("scenario", rehearsed())
def test_from_a_diagnosis(walker: Walker, scenario: str) -> None:
    """A plan, an unattended run, a saved plan, the proof, the undo: each names the next, and each of them works."""
    break_(walker.world, scenario)
    walker.walk("diagnose")


@pytest.mark.parametrize("scenario", [name for name, item in rehearsed().items() if item.ends != "refused"])
def test_after_a_run(walker: Walker, scenario: str) -> None:
    """From a run that is finished, and from one that is rolled back, every verb leads on."""
    break_(walker.world, scenario)
    assert walker.type(["run", *fix_of(scenario), "--yes", *walker.place("run")]).code == 0
    for words in (["resume", "last"], ["plan", *fix_of(scenario)], ["verify", "last"]):
        walker.walk(*words)
    assert walker.type(["rollback", "last", "--yes", *walker.place("run")]).code == 0
    for verb in ("verify", "resume", "rollback"):
        walker.walk(verb, "last")


@pytest.mark.parametrize("words", [("verify", "last"), ("rollback", "x"), ("resume", "last"), ("runs", "last"), ("runs",), ("list",), ("doctor",), ("run", "ip-masq"), ("plan", "--yes", "ip-masq-agent"), ("audit", "verify")])  # fmt: skip
def test_verbs_of_somebody_new(walker: Walker, words: tuple[str, ...]) -> None:
    """Nothing was run yet, or a word is wrong."""
    walker.walk(*words)


def configured(world: World, text: str, **more: bool) -> None:
    """Give the agent this configuration."""
    break_(world, "ip-masq-agent")
    world.cluster.edit(
        "configmaps", "ip-masq-agent", lambda item: item.update(more, data={"config": text}), "kube-system"
    )


LIST = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\nresyncInterval: 60s\n"
CONFIGURATIONS = {
    "written twice": (LIST.replace("- 10", "- 10.0.0.0/8\n- 10"), {}),
    "harmful": (LIST.replace("60s", "0s"), {}),
    "ignored": (LIST.replace("nonMasqueradeCIDRs", "nonMasqueradeCIDR"), {}),
    "host bits": (LIST.replace("10.0.0.0/8", "10.0.0.1/8"), {}),
    "two faults": (LIST.replace("10.0.0.0/8", "nonsense").replace("60s", "60"), {}),
    "no pod ranges": (LIST.replace("10.0.0.0/8", "192.168.0.0/16"), {}),
    "no YAML": ("a: [", {}),
    "immutable": (LIST, {"immutable": True}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_from_a_configuration_that_no_plan_heals(walker: Walker, name: str) -> None:
    """A diagnosis never suggests a plan that is refused at once because a person has to edit first."""
    text, more = CONFIGURATIONS[name]
    configured(walker.world, text, **more)
    found = walker.walk("diagnose", "ip-masq-agent")
    assert "None" not in found.text
    plans = [answer for command, answer in walker.seen.items() if command.startswith("runbook plan")]
    assert not [answer.text for answer in plans if "by hand" in " ".join(answer.ways) and len(answer.ways) == 1]
    if name == "immutable":
        assert "the ConfigMap is immutable" in " ".join(found.text.split())
        assert "ask who made it immutable" in " ".join(found.text.split())
        assert plans == []


MASQ = ["ip-masq-agent", "--masquerade", "10.1.0.0/16"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "ip-masq-agent", "--masquerade", "10.64.0.0/16", "--yes"],
        ["run", "ip-masq-agent", "--masquerade", "fd00::/64", "--yes"],
        ["run", "ip-masq-agent", "--masquerade", "169.254.0.0/16", "--yes"],
        ["run", "ipam-cleanup", "--node", "node-9", "--yes"],
        ["run", "ipam-cleanup", "--node", "node-1", "--max-reservations", "0"],
        ["plan", "pull-secret", "--namespace", "nowhere", "--service-account", "x", "--registry", HOST, "--from-key-file", "KEY.json"],
        ["plan", "pull-secret", "--namespace", "default"],
        ["run", *MASQ],
        ["run", *MASQ, "--plan", "none.json"],
        ["resume", "2026"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_from_a_refusal(walker: Walker, words: list[str]) -> None:
    """Whatever is refused says what to do about it."""
    break_(walker.world, "ip-masq-agent")
    walker.walk(*words)


def test_from_a_pause(walker: Walker) -> None:
    """Who paused the store, and how it goes on."""
    break_(walker.world, "ip-masq-agent")
    walker.walk("pause", "--reason", "freeze")
    assert walker.type(["pause", "--reason", "freeze", *walker.place("pause")]).code == 0
    walker.walk("run", *MASQ, "--yes")


def test_from_what_another_has_left(walker: Walker, tmp_path: Path) -> None:
    """A killed run of this journal is resumed or rolled back; of one that this journal lacks, the owner is named instead."""
    break_(walker.world, "ipam-cleanup")
    fix = fix_of("ipam-cleanup")
    held = Held(walker.world, "POST", "/daemonsets", 0.5, close="before")
    process = start(walker.world, tmp_path, "run", *fix, "--yes", "--actor", "alice")
    assert held.came.wait(30)
    process.kill()
    end(process)
    walker.world.cluster.faults = None
    theirs = Walker(walker.world, walker.folder, str(tmp_path / "other.db"))
    found = theirs.walk("plan", *fix)
    said = " ".join(found.text.split())
    assert "this journal does not have that run; alice@" in said
    assert "can finish or undo it there" in said
    assert not [way for way in found.ways if "rollback" in way]
    again = walker.walk("plan", *fix)
    assert any(way.startswith("runbook resume ") for way in again.ways)


@pytest.mark.parametrize("verb", ["doctor", "plan", "run"])
def test_from_a_missing_right(walker: Walker, tmp_path: Path, verb: str) -> None:
    """Who may do nothing is told to print the role of this very runbook."""
    break_(walker.world, "ip-masq-agent")
    walker.world.cluster.tokens["token-nobody"] = User("nobody", ("system:authenticated",))
    walker.kubeconfig = tmp_path / "nobody"
    walker.kubeconfig.write_text(json.dumps(walker.world.server.kubeconfig("token-nobody")))
    found = walker.walk(verb, *(MASQ if verb != "doctor" else []), *(["--yes"] if verb == "run" else []))
    assert found.code == 3
    assert "runbook rbac ip-masq-agent" in (found.commands if verb != "doctor" else ["runbook rbac ip-masq-agent"])

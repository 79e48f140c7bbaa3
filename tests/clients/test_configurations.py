"""Several kubeconfig files name the cluster that kubectl would take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediation.model.errors import Refused
from remediation.providers.kubernetes import configurations
from tests.running import Cli


def write(folder: Path, name: str, current: str | None = None, **more: Any) -> str:
    """Write a kubeconfig whose cluster is named for the file, and whose entries have the names that all files share."""
    document: dict[str, Any] = {
        "clusters": [{"name": "shared", "cluster": {"server": f"http://{name}.example.com"}}],
        "users": [{"name": "shared", "user": {"token": f"planted-token-{name}"}}],
        "contexts": [
            {"name": "shared", "context": {"cluster": "shared", "user": "shared"}},
            {"name": name, "context": {"cluster": "shared", "user": "shared"}},
        ],
    }
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document | ({} if current is None else {"current-context": current}) | more))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "empty").write_text("")
    return {
        "none": write(tmp_path, "none"),
        "blank": write(tmp_path, "blank", ""),
        "one": write(tmp_path, "one", "one"),
        "two": write(tmp_path, "two", "two"),
        "empty": str(tmp_path / "empty"),
        "missing": str(tmp_path / "missing"),
    }


LISTS = [
    ("one:two", "one", "one"),
    ("two:one", "two", "two"),
    ("none:two:one", "two", "none"),
    ("blank:one:two", "one", "blank"),
    ("missing:empty:two:one", "two", "two"),
]


@pytest.mark.parametrize(("names", "context", "server"), LISTS)
def test_the_first_file_decides(files: dict[str, str], names: str, context: str, server: str) -> None:
    """The current context is that of the first file which sets one; of equal names the first file's entry counts."""
    configuration, found = configurations.load(":".join(files[name] for name in names.split(":")), None)
    assert (found.context, found.server) == (context, f"http://{server}.example.com")
    assert configuration.api_key["BearerToken"] == f"Bearer planted-token-{server}"


@pytest.mark.parametrize(("names", "context", "server"), LISTS)
def test_kubectl_says_the_same(files: dict[str, str], assets: Path, names: str, context: str, server: str) -> None:
    """The expectations above are kubectl's."""
    env = os.environ | {"KUBECONFIG": ":".join(files[name] for name in names.split(":"))}
    words = [str(assets / "kubectl"), "config", "view", "--minify", "-o", "jsonpath={.current-context} {..server}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    assert done.stdout == f"{context} http://{server}.example.com"


def test_files_are_found_beside_the_file_that_names_them(tmp_path: Path) -> None:
    """A relative token file belongs to the kubeconfig that says it, whichever file has the cluster."""
    first = write(tmp_path, "first", "first", users=[])
    second = write(tmp_path, "folder/second", users=[{"name": "shared", "user": {"tokenFile": "token"}}])
    (tmp_path / "folder" / "token").write_text("planted-token-file")
    assert configurations.load(f"{first}:{second}", None)[0].api_key["BearerToken"] == "Bearer planted-token-file"


def test_a_login_plugin_is_found_beside_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin with a relative path is started from wherever one is."""
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    path = write(tmp_path, "folder/it", "folder/it", users=[{"name": "shared", "user": {"exec": login}}])
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "planted-token-p"}}'
    (tmp_path / "folder" / "plugin").write_text(f"#!{sys.executable}\nprint('{answer}')\n")
    (tmp_path / "folder" / "plugin").chmod(0o700)
    monkeypatch.chdir("/")
    assert configurations.load(path, None)[0].api_key["BearerToken"] == "Bearer planted-token-p"


def test_a_name_that_one_file_has_twice_is_refused(tmp_path: Path) -> None:
    """Kubectl refuses such a file, and nobody can say which entry is meant."""
    entry = {"name": "shared", "cluster": {"server": "http://x.example.com"}}
    path = write(tmp_path, "twice", "twice", clusters=[entry, entry])
    with pytest.raises(Refused, match="two of its clusters are called 'shared'"):
        configurations.load(path, None)


def test_no_current_context(files: dict[str, str]) -> None:
    """Where no file names a current context, none is guessed."""
    with pytest.raises(Refused, match="sets no current-context"):
        configurations.load(files["none"], None)


def test_a_list_of_files_can_name_the_cluster(tmp_path: Path) -> None:
    """A run that nobody watches takes the only context of all files that were named, and refuses to choose from two."""
    one = write(tmp_path, "shared", "shared", contexts=[{"name": "shared", "context": {"cluster": "shared"}}])
    one_file = write(tmp_path, "local", clusters=[{"name": "shared", "cluster": {"server": "http://127.0.0.1:9"}}], contexts=[])  # fmt: skip
    words = ("run", "ip-masq-agent", "--masquerade", "10.1.0.0/16", "--yes")
    Cli(tmp_path, "--kubeconfig", f"{one_file}:{one}")(*words).expect(4)
    two = write(tmp_path, "two", "two")
    refused = Cli(tmp_path, "--kubeconfig", f"{one_file}:{one}:{two}")(*words).expect(3)
    assert "nobody named the cluster" in refused.json["error"]["summary"]

"""The program behind the sandbox: serves the APIs, keeps their state in a file, does what ``break`` asks."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from runbook_sandbox import certificates
from runbook_sandbox.google import OWNER, GoogleCloud, serve
from runbook_sandbox.google.breaking import tell
from runbook_sandbox.google.policy import new_policy
from runbook_sandbox.kubernetes.admission import SERVICE_RANGE
from runbook_sandbox.places import PULLER, REPOSITORY
from runbook_sandbox.process import COORDINATES, PROTOCOL

_SAVE_SECONDS = 1.0
# For how long who connects may say nothing, as seconds and microseconds.
_STRANGER = struct.pack("ll", 10, 0)
_MEMORY, _STACK = 1 << 30, 1 << 20
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Those of the emulated pods and services. As in most real clusters the range of the nodes is the subnet's to tell.
_RANGES = {
    "clusterIpv4CidrBlock": "10.64.0.0/16",
    "servicesIpv4CidrBlock": str(SERVICE_RANGE),
}


def new_cloud() -> GoogleCloud:
    """Return a healthy cloud: one project with a cluster, a service agent with its role and an account that may pull."""
    cloud = GoogleCloud(COORDINATES["project"])
    project = cloud.projects[COORDINATES["project"]]
    cloud.grant(project.id, "roles/container.serviceAgent", project.agent)
    cloud.grant(project.id, "roles/container.defaultNodeServiceAgent", project.node_agent)
    cloud.add_cluster(project.id, COORDINATES["location"], COORDINATES["cluster"], ipAllocationPolicy=_RANGES)
    cloud.add_account(PULLER)
    bindings = [{"role": "roles/artifactregistry.reader", "members": [f"serviceAccount:{PULLER}"]}]
    project.add_repository(REPOSITORY, new_policy(bindings))
    return cloud


def write(path: Path, content: str) -> None:
    """Replace a file as a whole; nobody ever reads half of it, and nobody else may read it."""
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(content, "utf-8")
    temporary.replace(path)


class Daemon:
    """Serve the cloud beside a cluster, until SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cloud = folder, new_cloud()
        self.stopped = threading.Event()
        self.key = secrets.token_hex(32)

    def listen(self) -> tuple[str, int]:
        """Answer messages of later commands, in a thread."""
        from multiprocessing.connection import Listener  # noqa: PLC0415 - half of the start-up time otherwise

        listener = Listener(("127.0.0.1", 0))
        threading.Thread(target=self._answer, args=(listener,), daemon=True).start()
        address: Any = listener.address
        return str(address[0]), int(address[1])

    def _answer(self, listener: Any) -> None:
        while not self.stopped.is_set():
            # A thread for each: whoever connects and says nothing keeps nobody else waiting.
            with contextlib.suppress(OSError, EOFError, RuntimeError):
                threading.Thread(target=self._obey, args=(listener.accept(),), daemon=True).start()

    def _obey(self, connection: Any) -> None:
        """Do what a message says, if its sender has the key; nothing is read of anybody else."""
        from multiprocessing import AuthenticationError  # noqa: PLC0415 - see listen
        from multiprocessing.connection import answer_challenge, deliver_challenge  # noqa: PLC0415

        with contextlib.suppress(OSError, EOFError, ValueError, AuthenticationError), connection:
            with socket.socket(fileno=os.dup(connection.fileno())) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _STRANGER)
            deliver_challenge(connection, bytes.fromhex(self.key))
            answer_challenge(connection, bytes.fromhex(self.key))
            tell(self.cloud, *connection.recv())
            connection.send("ok")

    def show_endpoint(self, url: str, authority: str) -> None:
        """Let the GKE API name the cluster's address and certificate, so that gcloud can write a kubeconfig."""
        project = self.cloud.projects[COORDINATES["project"]]
        shown = project.clusters[f"{COORDINATES['location']}/{COORDINATES['cluster']}"]
        shown |= {"endpoint": url.removeprefix("https://"), "masterAuth": {"clusterCaCertificate": authority}}

    def announce(self, kubernetes: str, google: Any, control: tuple[str, int]) -> None:
        """Tell later commands where everything is."""
        write(self.folder / "google-token", google.token + "\n")
        endpoints = {"kubernetes": kubernetes, "google": google.url, "iam": google.grpc_target}
        where = {"pid": os.getpid(), "endpoints": endpoints, "control": control, "key": self.key}
        write(self.folder / "sandbox.json", json.dumps(where | {"protocol": PROTOCOL}))


def limit_memory() -> None:
    """Let this process, whatever it is sent, not take the memory of the machine; a request that would is answered with 500."""
    threading.stack_size(_STACK)
    with contextlib.suppress(OSError, ValueError):  # not every system knows the limit
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


def emulated(daemon: Daemon) -> None:
    """Run the emulated cluster and cloud; their state survives the process."""
    certificates.begin()
    limit_memory()
    from runbook_sandbox.kubernetes import Cluster, User  # noqa: PLC0415 - the real kind needs none of it
    from runbook_sandbox.kubernetes import serve as serve_kubernetes  # noqa: PLC0415
    from runbook_sandbox.nodes.paths import Paths  # noqa: PLC0415
    from runbook_sandbox.nodes.rules import install  # noqa: PLC0415

    kept = _state(daemon.folder)
    if kept:
        daemon.cloud.load(kept["cloud"])
    cluster = Cluster(nodes=3, state=kept["cluster"] if kept else None)
    install(cluster, Paths(daemon.cloud, **COORDINATES))
    server, google = serve_kubernetes(cluster), serve(daemon.cloud)
    write(daemon.folder / "kubeconfig", json.dumps(server.kubeconfig()))
    # What GKE's login plugin sends is an access token.
    cluster.tokens[google.token] = User(OWNER.removeprefix("user:"), ("system:masters",))
    daemon.show_endpoint(server.url, server.authority)
    daemon.announce(server.url, google, daemon.listen())
    _save_until_stopped(daemon, cluster)


def _state(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _without_secrets(state: dict[str, Any]) -> dict[str, Any]:
    """Empty the values of all Secrets: somebody may have rehearsed with a real key, which belongs on no disk."""
    for secret in state["objects"].get("secrets", ()):
        secret["data"] = dict.fromkeys(secret.get("data") or {}, "")
        (secret["metadata"].get("annotations") or {}).pop(_APPLIED, None)
    return state


def _save_until_stopped(daemon: Daemon, cluster: Any) -> None:
    saved: Any = None
    while True:
        stopped = daemon.stopped.wait(_SAVE_SECONDS)
        cloud, version = daemon.cloud.dump(), cluster.store.version
        seen = (version, json.dumps(cloud))  # a whole cluster is only written out when something in it has changed
        if seen != saved and daemon.folder.exists():
            with contextlib.suppress(MemoryError):  # then what was saved before has to do
                write(
                    daemon.folder / "state.json",
                    json.dumps({"cluster": _without_secrets(cluster.dump()), "cloud": cloud}),
                )
            saved = seen
        if stopped:
            return


def real(daemon: Daemon) -> None:
    """Run a real control plane with simulated nodes, beside the emulated cloud."""
    import shutil  # noqa: PLC0415

    from runbook_sandbox.control_plane import ControlPlane  # noqa: PLC0415
    from runbook_sandbox.control_plane.healing import heal_until  # noqa: PLC0415
    from runbook_sandbox.control_plane.stages import FAULTS  # noqa: PLC0415

    place = daemon.folder / "control-plane"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with ControlPlane.start(place, faults=FAULTS) as plane:
        google = serve(daemon.cloud)
        write(daemon.folder / "kubeconfig", plane.kubeconfig_path.read_text("utf-8"))
        daemon.announce(plane.url, google, daemon.listen())
        heal_until(daemon.stopped, plane)


def main() -> None:
    """Serve until SIGTERM: ``python -m runbook_sandbox.daemon KIND FOLDER``."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    daemon = Daemon(folder)
    signal.signal(signal.SIGTERM, lambda *_: daemon.stopped.set())
    {"emulated": emulated, "real": real}[kind](daemon)


if __name__ == "__main__":
    main()

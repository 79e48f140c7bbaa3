"""A node on disk for the reservation script: a CNI configuration, host-local's directory and stub runtime programs."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[1] / "clean-reservations.sh"
RUN_ID = "run-7"
OLD = 3600
LIVE_IP = "192.0.2.2"


def container_id(name: str) -> str:
    """Return a well-formed container ID that belongs to a name."""
    return sha256(name.encode()).hexdigest()


def reservation(identifier: str) -> str:
    """Return what host-local writes for a container."""
    return f"{identifier}\r\neth0"


def conflist(network: str = "gke-pod-network", **ipam: object) -> str:
    """Return a CNI configuration whose only address management is host-local, unless told otherwise."""
    bridge = {
        "type": "ptp",
        "mtu": 1460,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "192.0.2.0/24"}]], **ipam},
    }
    return json.dumps({"name": network, "cniVersion": "0.3.1", "plugins": [bridge, {"type": "portmap"}]}, indent=2)


@dataclass
class Node:
    """One node under a temporary directory, and the script's environment on it."""

    root: Path
    network: str = "gke-pod-network"

    def __post_init__(self) -> None:
        for directory in (self.conf, self.bin, self.reservations):
            directory.mkdir(parents=True, exist_ok=True)
        (self.conf / "10-gke.conflist").write_text(conflist(self.network))
        (self.reservations / "lock").touch()
        (self.reservations / "last_reserved_ip.0").write_text(LIVE_IP)
        self.live_file.write_text("")
        self.running()

    @property
    def conf(self) -> Path:
        """The CNI configuration directory."""
        return self.root / "host/etc/cni/net.d"

    @property
    def bin(self) -> Path:
        """The directory of the node's runtime programs."""
        return self.root / "host/usr/bin"

    @property
    def networks(self) -> Path:
        """The parent of all network directories."""
        return self.root / "networks"

    @property
    def reservations(self) -> Path:
        """The network directory of host-local."""
        return self.networks / self.network

    @property
    def quarantine(self) -> Path:
        """Where this run's files go."""
        return self.networks / ".runbook-quarantine" / RUN_ID / self.network

    @property
    def live_file(self) -> Path:
        """The pod addresses that the API server reports."""
        return self.root / "live-ips"

    def program(self, name: str, body: str) -> None:
        """Install a stub program on the node."""
        path = self.bin / name
        path.write_text(f"#!/bin/bash\nPATH=/usr/bin:/bin\n{body}\n")
        path.chmod(0o755)

    def running(self, *names: str) -> None:
        """Make the runtime list these containers and the one that the script itself runs in."""
        listing = "\n".join(container_id(name) for name in ("cleanup", *names))
        (self.root / "ids").write_text(listing + "\n")
        self.program("ctr", f"cat {self.root}/ids")

    def reserve(self, ip: str, name: str, age: float = OLD, content: str | None = None) -> Path:
        """Write a reservation that is `age` seconds old."""
        path = self.reservations / ip
        path.write_text(reservation(container_id(name)) if content is None else content, newline="")
        os.utime(path, (time.time() - age,) * 2)
        return path

    def live(self, *ips: str) -> None:
        """Set the pod addresses that the API server reports."""
        self.live_file.write_text("".join(f"{ip}\n" for ip in ips))

    def environment(self, mode: str, **extra: str) -> dict[str, str]:
        """Return the variables that the script gets."""
        values = {
            "PATH": os.environ["PATH"],
            "MODE": mode,
            "NODE_NAME": "node-1",
            "RUN_ID": RUN_ID,
            "POD_CIDRS": "192.0.2.0/24,2001:db8::/64",
            "LIVE_IPS_FILE": str(self.live_file),
            "MAX_RESERVATIONS": "250",
            "HOST_ROOT": str(self.root / "host"),
            "NETWORKS_DIR": str(self.networks),
            "TERMINATION_LOG": str(self.root / "termination-log"),
            "LOCK_WAIT_SECONDS": "1",
            # The longest that is allowed: on a busy machine one list takes seconds, and few tests are about time.
            "LOCK_BUDGET_MS": "10000",
            # Only the node's own programs: the machine that runs the tests may have a containerd of its own.
            "RUNTIME_COMMAND": f"env PATH={self.bin}",
        }
        return values | extra

    def start(self, mode: str, **extra: str) -> subprocess.Popen[str]:
        """Start the script as the leader of its own session."""
        environment = self.environment(mode, **extra)
        return subprocess.Popen(
            ["bash", str(SCRIPT)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, mode: str = "clean", **extra: str) -> dict[str, Any]:
        """Run the script to its end and return the result, after checking what holds for every result."""
        process = self.start(mode, **extra)
        stdout, stderr = process.communicate(timeout=90)
        assert process.returncode == 0, stderr
        assert len(stdout.splitlines()) == 1
        assert len(stdout) <= 4000
        assert (self.root / "termination-log").read_text() == stdout
        result: dict[str, Any] = json.loads(stdout)
        return result

    def files(self) -> set[str]:
        """Return the names of the reservations in place."""
        return {path.name for path in self.reservations.iterdir()} - {"lock", "last_reserved_ip.0"}

    def quarantined(self) -> set[str]:
        """Return the names in this run's quarantine."""
        return {path.name for path in self.quarantine.iterdir()} if self.quarantine.exists() else set()


def leaking_node(root: Path, network: str = "gke-pod-network") -> Node:
    """Return a node with one live pod and two leaked reservations."""
    node = Node(root, network)
    node.reserve(LIVE_IP, "web")
    node.reserve("192.0.2.3", "gone-1")
    node.reserve("192.0.2.4", "gone-2")
    node.running("web")
    node.live(LIVE_IP)
    return node

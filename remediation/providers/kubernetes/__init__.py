"""The Kubernetes wing: client, facts, objects, rollouts, pods, permissions, locks."""

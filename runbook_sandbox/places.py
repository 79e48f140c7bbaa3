"""The names that are private or known in the sandbox."""

PULLER = "shop-puller@example-prod.iam.gserviceaccount.com"
HOST = "europe-west3-docker.pkg.dev"
# The images of the shop are in it.
REPOSITORY = "europe-west3/shop"
# The simulated nodes of a real control plane know one registry.
REAL_HOST = "private.registry.example"

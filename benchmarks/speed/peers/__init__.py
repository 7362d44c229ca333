"""The same job with other libraries, run in an environment of their own (`tools/peers.sh`)."""

from tumorlens.bulk.environment import set_environment

# Before any test imports Ray: it listens on the loopback address and reports to nobody.
set_environment(None)

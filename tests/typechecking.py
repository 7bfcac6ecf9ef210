"""The checker behind jaxmem's signatures: beartype, where an int is a float as Python's typing says."""

from beartype import BeartypeConf, beartype

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))

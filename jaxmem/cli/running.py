"""`jaxmem run STUDY`: a study's fields and those of the sweep, from flags and from a configuration file."""

import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxmem.cli.configuration import configuration_path, read_configuration, study_of, write_configuration
from jaxmem.cli.options import GRID, NUMBERS, Option, distinct, options_of_fields, paragraphs
from jaxmem.cli.parser import Parser, UsageError, default_text
from jaxmem.studies import STUDIES, Study

NOT_REPEATED = ("quick", "config", "quiet", "workers", "scheduler", "compilation_cache", "estimate")
"""What a configuration file does not hold."""

ARRAYS = ("covariance", "samples")
"""Fields that hold an array by its contents, and are repeated by the path that was given."""


@dataclass(frozen=True)
class Run:
    """How the sweep is run."""

    replicates: int = 300
    """Independent data sets per grid point (a count, at least 1)."""

    seed: int = 0
    """Seed of all randomness (a whole number from 0 to 2³² − 1)."""

    store: Path | None = None
    """Directory of the Zarr store, continued if it exists; by default results/STUDY.zarr, with --quick
    results/STUDY-quick.zarr. A TOML file of everything that was set is written beside it."""

    figure: Path | None = None
    """Also draw the figure to this file (.png, .pdf or .svg)."""

    chunk_size: int | None = None
    """Replicates computed and written together; by default what fits the memory, at most 64 (a count)."""

    memory_budget: int = 1024
    """Memory that the working arrays of a chunk may take (MiB, a count)."""

    workers: int | None = None
    """Compute in so many processes of this machine, which share its cores (a count; needs the extra
    cluster)."""

    scheduler: str | None = None
    """Compute on a running Dask cluster, whose scheduler is at this address, such as tcp://host:8786."""

    compilation_cache: Path | None = None
    """Keep compiled programs in this folder, for later runs and for the other workers."""

    estimate: bool = False
    """Say how long it will take, from a replicate of every shape, and stop."""

    quick: bool = False
    """A first look: a smaller grid, fewer replicates and cheaper settings that take about a minute on two
    cores. Flags beside it still count."""

    config: Path | None = None
    """Take what no flag sets from this file, as it was written beside a store (.toml); paths in it start
    where it is."""

    quiet: bool = False
    """Show no progress bar."""


def run(study: Study, options: Run) -> None:
    """Run a study over its grid, or continue where its store left off."""
    from jaxmem import _checks as check  # noqa: PLC0415 - what is heavy loads only where it is needed
    from jaxmem.plotting import check_figure_path  # noqa: PLC0415
    from jaxmem.statistics import summary_table  # noqa: PLC0415
    from jaxmem.sweeping import cluster, compilations, sweep  # noqa: PLC0415

    check.positive_integer("memory_budget", options.memory_budget)
    if options.figure is not None:
        check_figure_path(options.figure)
    store = store_of(study.name, options)
    if options.estimate:
        with cached_compilations(options.compilation_cache):
            print(_estimated(study, options, store))
        return
    with (
        cached_compilations(options.compilation_cache),
        cluster(options.workers, options.scheduler) as client,
    ):
        if client is not None and not options.quiet:
            print(f"dashboard: {client.dashboard_link}", file=sys.stderr)
        dataset = sweep(
            study,
            replicates=options.replicates,
            seed=options.seed,
            store=store,
            chunk_size=options.chunk_size,
            memory_budget=options.memory_budget * 2**20,
            executor=client,
            progress=not options.quiet,
        )
    print(summary_table(dataset))
    print(f"store: {store}")
    if options.figure is not None:
        from jaxmem.cli.commands import plot  # noqa: PLC0415

        plot(store, output=options.figure)
    if not options.quiet:
        print(f"compilations: {compilations()}{_padding_note(study)}", file=sys.stderr)


def _estimated(study: Study, options: Run, store: Path) -> str:
    """One line: what is missing, and how long it takes."""
    from jaxmem.sweeping import estimate  # noqa: PLC0415

    found = estimate(
        study,
        replicates=options.replicates,
        seed=options.seed,
        store=store,
        memory_budget=options.memory_budget * 2**20,
    )
    if not found.missing:
        return f"nothing is missing: {store} has all {found.total:,} (point, replicate) pairs."
    workers = options.workers or 1
    among = f" among {workers} workers" if workers > 1 else ""
    return (
        f"about {duration(found.compiling + found.computing / workers)} for {found.missing:,} of "
        f"{found.total:,} (point, replicate) pairs{among}: {duration(found.compiling)} to compile, "
        f"{duration(found.computing / workers)} to compute."
    )


def duration(seconds: float) -> str:
    """In the unit that suits it, with two digits or more."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


@contextmanager
def cached_compilations(folder: Path | None) -> Iterator[None]:
    """JAX's own persistent cache, here and in workers that are started meanwhile; None leaves it alone."""
    if folder is None:
        yield
        return
    import jax  # noqa: PLC0415

    name, before = "JAX_COMPILATION_CACHE_DIR", jax.config.values["jax_compilation_cache_dir"]
    environment, folder = os.environ.get(name), folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[name] = str(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    try:
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
        if environment is None:
            del os.environ[name]
        else:
            os.environ[name] = environment


def store_of(study: str, options: Run) -> Path:
    """Where the results go."""
    return (options.store and options.store.expanduser()) or Path(
        "results"
    ) / f"{study}{'-quick' if options.quick else ''}.zarr"


def run_words(words: Sequence[str]) -> None:
    """`jaxmem run` with these words.

    Raises:
        UsageError: a flag cannot be understood.
        ValueError: there is no such study.
    """
    names = ", ".join(STUDIES)
    if not words:
        raise ValueError(f"run needs the name of a study, one of {names}.")
    name, rest = words[0], words[1:]
    if name in ("-h", "--help"):
        for study in STUDIES:
            print(parser_of(study).format_help())
        return
    if name.startswith("--config"):
        name, rest = _study_of_file(words), words
    if name not in STUDIES:
        raise ValueError(f"the study must be one of {names}, got {name!r}.")
    if "-h" in rest or "--help" in rest:
        print(parser_of(name).format_help())
        return
    _run_parsed(name, rest)


def _study_of_file(words: Sequence[str]) -> str:
    file = words[0].partition("=")[2] or "".join(words[1:2])
    if not file:
        raise UsageError("--config needs 1 value.")
    return study_of(Path(file))


def _run_parsed(name: str, words: Sequence[str]) -> None:
    study, options = STUDIES[name], options_of(name)
    given = parser_of(name).parse(words)
    said = dict(study.quick) if given.get("quick") else {}
    if given.get("config") is not None:
        said |= read_configuration(given["config"], name, options)
    said |= given
    of_run = {field.name for field in dataclasses.fields(Run)}
    settings = Run(
        **{"replicates": study.default_replicates} | {k: v for k, v in said.items() if k in of_run}
    )
    own = [option for option in options if option.name not in of_run]
    configured = study_with(study, [option for option in own if option.name in said], said)
    store = store_of(name, settings)
    values = {option.name: value_in(configured, option) for option in own} | dataclasses.asdict(settings)
    paths = [
        option.name for option in own if option.field in ARRAYS and isinstance(said.get(option.name), str)
    ]
    values |= {path: str(Path(said[path]).absolute()) for path in paths}
    values["figure"] = settings.figure and settings.figure.absolute()
    if settings.estimate:
        run(configured, settings)
        return
    kept = [option for option in options if option.name not in NOT_REPEATED]
    try:
        run(configured, settings)
    except KeyboardInterrupt:
        if store.is_dir():
            _remember(store, name, kept, values)
        raise
    _remember(store, name, kept, values)


def _remember(store: Path, study: str, options: Sequence[Option], values: Mapping[str, Any]) -> None:
    """Write what was run beside its store; where that cannot be, the results stand all the same."""
    path = configuration_path(store)
    try:
        write_configuration(path, study, options, {**values, "store": store.absolute().name})
    except OSError as error:
        print(f"jaxmem: cannot write {str(path)!r}: {error.strerror or error}.", file=sys.stderr)


def study_with(study: type[Study], options: Sequence[Option], values: Mapping[str, Any]) -> Study:
    """The study with these values, by option; what none is given for is left to the study itself."""
    nested: dict[str, dict[str, Any]] = {}
    top: dict[str, Any] = {}
    for option in options:
        (nested.setdefault(option.owner, {}) if option.owner else top)[option.field] = values[option.name]
    default = study()
    inner = {owner: dataclasses.replace(getattr(default, owner), **some) for owner, some in nested.items()}
    return study(**top, **inner)


def value_in(study: Study, option: Option) -> Any:
    """What an option of a study has become."""
    return getattr(getattr(study, option.owner) if option.owner else study, option.field)


def options_of(name: str) -> list[Option]:
    """Everything that a run of a study can be told."""
    study = STUDIES[name]
    sweep = options_of_fields(Run(replicates=study.default_replicates), "sweep: how it is run")
    return distinct([*options_of_fields(study()), *sweep])


def parser_of(name: str) -> Parser:
    """The parser of a study's flags, with its help and examples."""
    study = STUDIES[name]
    options = options_of(name)
    return Parser(f"jaxmem run {name}", paragraphs(study.__doc__ or ""), options, _examples(name, options))


def _examples(study: str, options: Sequence[Option]) -> list[str]:
    """A first look, a trial on part of the grid, one more axis, and the same again."""
    command = f"jaxmem run {study}"
    found = [f"{command} --quick --figure {study}.png"]
    grid = [o for o in options if o.group == GRID]
    if grid:
        some = "".join(
            f" {o.flag} {default_text(o.default[:2])}" for o in grid[:2] if isinstance(o.default, tuple)
        )
        found.append(f"{command}{some} --replicates 20 --store results/trial.zarr")
    number = next((o for o in options if o.group == NUMBERS and isinstance(o.default, int | float)), None)
    if number is not None:
        doubled = default_text((number.default, 2 * number.default))
        found.append(f"{command} {number.flag} {doubled} --store results/two.zarr")
    return [*found, f"jaxmem run --config results/{study}.toml"]


def _padding_note(study: Study) -> str:
    wasted = study.padding_wasted()
    return "" if wasted is None else f"; padding wasted: {wasted:.0%}"

"""What the site takes from the code itself: experiments' words, every public name, the example's files."""

import ast
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]

PACKAGES = (
    "populations",
    "noising",
    "scores",
    "metrics",
    "theory",
    "statistics",
    "training",
    "sampling",
    "studies",
    "sweeping",
    "measuring",
    "plotting",
    "reporting",
    "checkpoints",
    "numerics",
)


def public_names(package: str) -> dict[str, str]:
    """What a package gives, name → where it is written: its lines `from module import name as name`."""
    tree = ast.parse((ROOT / "jaxmem" / package / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def reference(package: str) -> str:
    """A page of a package: its docstring, then every public name; studies have pages of their own."""
    words = ast.get_docstring(
        ast.parse((ROOT / "jaxmem" / package / "__init__.py").read_text(encoding="utf-8"))
    )
    own = {path.stem for path in (ROOT / "jaxmem" / "studies").glob("*.py")}
    names = [
        place
        for place in public_names(package).values()
        if package != "studies" or place.split(".")[2] not in own or place.split(".")[2].startswith("_")
    ]
    return "\n\n".join([f"# jaxmem.{package}", words or "", *(f"::: {place}" for place in names)])


def on_files(files: Files, config):
    """Add the page of experiments: each file's docstring, with the command that runs it."""
    parts = [
        "# Experiments\n",
        "Each file runs alone, writes into `results/` and continues where it stopped.",
        "Its words hold the command and how long it takes; figures are of `--quick`.\n",
    ]
    for path in sorted((ROOT / "experiments").glob("*.py")):
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        title, _, rest = words.partition("\n")
        parts += [f"\n## {path.stem}\n", f"{title}\n", *pictures(path.stem, files, config)]
        parts += [f"```text\n{rest.strip()}\n```\n"]
    text = "\n".join(parts)
    files.append(File.generated(config, "experiments.md", content=text))
    for package in PACKAGES:
        files.append(File.generated(config, f"reference/{package}.md", content=reference(package)))
    picture = (ROOT / "docs" / "kernel-onset.png").read_bytes()
    files.append(File.generated(config, "kernel-onset.png", content=picture))
    return files


def pictures(experiment: str, files: Files, config):
    """The figures of an experiment that are kept in docs/site/figures: NAME.png, and more as NAME.*.png."""
    folder = ROOT / "docs" / "site" / "figures"
    for path in sorted([*folder.glob(f"{experiment}.png"), *folder.glob(f"{experiment}.*.png")]):
        place = f"figures/{path.name}"
        files.append(File.generated(config, place, content=path.read_bytes()))
        yield f"![{experiment}]({place})\n"


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Put files of the repository where a page says {{ file: PATH }}."""
    lines = []
    for line in markdown.splitlines():
        if line.startswith("{{ file: ") and line.endswith(" }}"):
            path = ROOT / line[len("{{ file: ") : -len(" }}")]
            lines.append(f"```{path.suffix[1:]}\n{path.read_text(encoding='utf-8').rstrip()}\n```")
        else:
            lines.append(line)
    return "\n".join(lines)

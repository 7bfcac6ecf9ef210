"""What the site takes from the code itself: the experiments' words, and the example package's files."""

import ast
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]


def on_files(files: Files, config):
    """Add the page of experiments: each file's docstring, with the command that runs it."""
    parts = [
        "# Experiments\n",
        "Each file runs alone, writes into `results/` and continues where it stopped.\n",
    ]
    for path in sorted((ROOT / "experiments").glob("*.py")):
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        title, _, rest = words.partition("\n")
        parts += [f"\n## {path.stem}\n", f"{title}\n", f"```text\n{rest.strip()}\n```\n"]
    text = "\n".join(parts)
    files.append(File.generated(config, "experiments.md", content=text))
    picture = (ROOT / "docs" / "kernel-onset.png").read_bytes()
    files.append(File.generated(config, "kernel-onset.png", content=picture))
    return files


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

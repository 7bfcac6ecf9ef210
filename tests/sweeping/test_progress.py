import sys
from types import SimpleNamespace

import pytest
import tqdm
import tqdm.notebook

from jaxmem.sweeping.progress import bar_class, progress_bar


@pytest.mark.parametrize(
    ("config", "widgets", "expected"),
    [
        ({"IPKernelApp": {}}, object(), tqdm.notebook.tqdm),
        ({"IPKernelApp": {}}, None, tqdm.tqdm),  # a kernel without ipywidgets
        ({}, object(), tqdm.tqdm),  # IPython in a terminal
    ],
)
def test_a_notebook_has_a_widget(monkeypatch, config, widgets, expected):
    shell = SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(tqdm.notebook, "IProgress", widgets)
    assert bar_class() is expected


def test_elsewhere_it_is_text_that_says_how_far(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with progress_bar("toy", 10, 4, shown=True) as bar:
        bar.update(6)
    text = capsys.readouterr().err
    assert "toy:  40%" in text
    assert "toy: 100%" in text
    with progress_bar("toy", 10, 4, shown=False):
        pass
    assert capsys.readouterr().err == ""

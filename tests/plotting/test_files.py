import fake_stores
import pytest

from jaxmem.plotting import check_figure_path, plot, save


@pytest.fixture(scope="module")
def figure():
    return plot(fake_stores.kernel_onset(replicates=10))


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml"), (".PNG", b"\x89PNG")]
)
def test_the_suffix_chooses_the_format(figure, tmp_path, suffix, start):
    path = tmp_path / "new" / "folder" / f"figure{suffix}"
    save(figure, path)
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["figure.gif", "figure", "figure.png.zip"])
def test_other_suffixes_are_refused(figure, tmp_path, name):
    with pytest.raises(ValueError, match=rf"figure must end in \.png, \.pdf or \.svg, got '.*{name}'\.$"):
        save(figure, tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_told_before_anything_is_drawn(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write figure .*: '.*file' is not a directory\.$"):
        check_figure_path(tmp_path / "file" / "figure.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OSError, match=r"cannot write figure .*: it is a directory\.$"):
        check_figure_path(tmp_path / "folder.png")


def test_a_full_disk_is_one_sentence(figure, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(OSError, match=r"^cannot write figure '.*figure\.png': No space left on device\.$"):
        save(figure, tmp_path / "figure.png")

"""The page of a store as a person uses it: hovered, toggled, sorted, on a phone; where Chromium is there."""

import shutil

import numpy as np
import pytest

import jaxmem
from jaxmem.studies import LinearOverlaps

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    study = LinearOverlaps(
        dims=(16, 24), loads=(0.5, 1.0, 4.0), quantities=("convergence",), estimate_mean=False
    )
    folder = tmp_path_factory.mktemp("pages")
    jaxmem.sweep(study, replicates=3, store=folder / "few.zarr")
    return folder / "few.zarr"


@pytest.fixture(scope="module")
def address(store):
    return jaxmem.report(store, store.with_name("page.html")).as_uri()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - needs a browser to be of use

    with sync_playwright() as playwright:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
        chromium = playwright.chromium.launch(**options)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """Everything that the page asks for or complains of is kept."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".js-plotly-plot .scatterlayer")
    yield page
    assert not page.complaints
    assert not [url for url in page.asked if url.startswith(("http:", "https:"))]
    context.close()


def hovered(page):
    """The words beside the points of the first curve, one after the other."""
    points = page.locator(".js-plotly-plot .scatterlayer .trace .points path")
    for number in range(points.count()):
        points.nth(number).hover(force=True)
        page.wait_for_timeout(150)
        yield page.locator(".hoverlayer").text_content()


def test_hovering_tells_value_interval_and_counts(page, store):
    """The value and its ends, to five digits, in each of the three points; the last curve lies on top."""
    summary = jaxmem.summarise(jaxmem.open_store(store)).sel(dim=24)
    told = list(hovered(page))[:3]
    for words, load in zip(told, (0.5, 1.0, 4.0), strict=True):
        at = summary.sel(load=load)
        value, error = at["convergence"].item(), at["convergence_standard_error"].item()
        ends = ", ".join(f"{end:.5f}" for end in (value - error, value + error))
        assert f"{value:.5f} [{ends}]" in words
        assert f"n = {round(24 * load)}, 3 replicates" in words
        assert "d = 24" in words


def test_a_curve_is_hidden_by_its_name(page, tmp_path):
    def opacities():
        return page.eval_on_selector_all(
            ".legend .traces", "rows => rows.map(row => Number(row.style.opacity || 1))"
        )

    shown = page.screenshot(path=tmp_path / "before.png")
    assert min(opacities()) == 1
    page.locator(".legend .legendtoggle").first.click()
    page.wait_for_timeout(800)  # a second click within 300 ms would be another thing
    assert min(opacities()) < 1
    assert page.screenshot(path=tmp_path / "after.png") != shown


def test_a_column_sorts(page):
    column = page.locator("th", has_text="convergence").first
    place = page.evaluate("head => [...head.parentNode.children].indexOf(head)", column.element_handle())

    def values():
        rows = f"rows => rows.map(row => Number(row.cells[{place}].dataset.value))"
        return np.array(page.eval_on_selector_all("tbody tr", rows))

    before = values()
    column.click()
    np.testing.assert_array_equal(values(), np.sort(before))
    column.click()
    np.testing.assert_array_equal(values(), np.sort(before)[::-1])


def test_a_phone_scrolls_only_downwards(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for width in page.eval_on_selector_all(
        ".js-plotly-plot", "figures => figures.map(one => one.getBoundingClientRect().width)"
    ):
        assert 250 < width <= 390

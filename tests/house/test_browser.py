"""The browser that page tests rely on is really there, and really fails where a page does."""

import pytest
from playwright.async_api import Page

PNG = b"\x89PNG"


async def test_chromium_shows_a_page(page: Page) -> None:
    await page.set_content("<h1>Charging</h1><script>document.title = '7.4 kW'</script>")
    assert await page.title() == "7.4 kW"
    assert await page.get_by_role("heading").inner_text() == "Charging"
    assert (await page.screenshot()).startswith(PNG)


def test_a_missing_chromium_fails_with_what_to_do(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("INTERPLUG_CHROMIUM", raising=False)
    pytester.makeconftest("from tests.conftest import chromium")
    pytester.makepyfile("def test_page(chromium): pass")
    result = pytester.runpytest_inprocess("-p", "no:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*run `make browser`*"])

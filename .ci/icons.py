"""Makes the PNG pictures of the app from its icon, with Chromium. Run it after a change of static/icon.svg."""

import asyncio
import re
import shutil
from pathlib import Path

from playwright.async_api import async_playwright

STATIC = Path(__file__).resolve().parents[1] / "src/interplug/web/static"
PICTURES = {"icon-180.png": 180, "icon-192.png": 192, "icon-512.png": 512, "icon-full-512.png": 512}


async def main() -> None:
    drawn = (STATIC / "icon.svg").read_text()
    # What is cut to any shape by a launcher has no corners of its own.
    full = re.sub(r' rx="15"', "", drawn)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, size in PICTURES.items():
            page = await browser.new_page(viewport={"width": size, "height": size})
            svg = full if "full" in name or size == 180 else drawn
            await page.set_content(f"<style>*{{margin:0}} svg{{display:block;width:{size}px;height:{size}px}}</style>{svg}")
            await page.screenshot(path=STATIC / name, omit_background=True)
        await browser.close()


asyncio.run(main())

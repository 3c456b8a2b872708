"""A sheet drawn as PDF.

Letters that the font does not have are written with those of the Latin alphabet. The date of the file is that of what it tells, so the
same sheet is the same file. Imported where something is printed, for its libraries take a while to load.
"""

from __future__ import annotations

from anyascii import anyascii
from fpdf import FPDF
from fpdf.fonts import FontFace

from interplug import __version__

from .rendering import HERE
from .sheets import Sheet, Table

FONTS = HERE / "static" / "vendor"
FONT = "DejaVu"
MARGIN = 20
LINE = 5.2
"""Millimetres, as everything here but the sizes of letters."""
NAMES = 45
"""Width of what names a fact."""
BLACK, GREY, LIGHT = (0, 0, 0), (90, 90, 90), (200, 200, 200)


def drawn(sheet: Sheet) -> bytes:
    page = FPDF(format="A4")
    page.set_margin(MARGIN)
    page.set_auto_page_break(True, margin=MARGIN)
    page.set_title(sheet.title)
    page.set_lang(sheet.language)
    page.set_producer(f"Interplug {__version__}")
    page.set_creation_date(sheet.dated)
    page.add_font(FONT, "", FONTS / "DejaVuSans.ttf")
    page.add_font(FONT, "B", FONTS / "DejaVuSans-Bold.ttf")
    page.set_font(FONT, "", 9)
    page.set_draw_color(*LIGHT)
    page.add_page()
    Pen(page).sheet(sheet)
    return bytes(page.output())


class Pen:
    def __init__(self, page: FPDF) -> None:
        self.page = page
        self._letters = page.current_font.cmap  # type: ignore[union-attr]

    def sheet(self, sheet: Sheet) -> None:
        self.line(sheet.title, 18, bold=True)
        self.page.ln(3)
        for name, value in sheet.facts:
            self.fact(name, value)
        for table in sheet.tables:
            self.table(table)
        for note in sheet.notes:
            self.page.ln(2)
            self.line(note, 9.5)
        for name, text in sheet.slips:
            self.page.ln(3)
            self.line(name, 9.5, bold=True)
            self.line(text, 7.5)
        if sheet.foot:
            self.page.ln(5)
            self.line(sheet.foot, 8, color=GREY)

    def said(self, text: str) -> str:
        return "".join(one if one == "\n" or ord(one) in self._letters else anyascii(one) for one in text)

    def line(self, text: str, size: float, *, bold: bool = False, color: tuple[int, int, int] = BLACK) -> None:
        self.page.set_font(FONT, "B" if bold else "", size)
        self.page.set_text_color(*color)
        self.page.multi_cell(0, size * 0.5, self.said(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def fact(self, name: str, value: str) -> None:
        self.page.set_font(FONT, "", 9.5)
        with self.page.offset_rendering() as tried:
            tried.multi_cell(tried.epw - NAMES, LINE, self.said(value), align="L")
        if tried.page_break_triggered:
            self.page.add_page()
        top = self.page.get_y()
        self.page.set_text_color(*GREY)
        self.page.multi_cell(NAMES, LINE, self.said(name), new_x="RIGHT", new_y="TOP", align="L")
        self.page.set_text_color(*BLACK)
        self.page.set_xy(self.page.l_margin + NAMES, top)
        self.page.multi_cell(0, LINE, self.said(value), new_x="LMARGIN", new_y="NEXT", align="L")

    def table(self, table: Table) -> None:
        columns = len(table.heads)
        self.page.ln(5)
        self.line(table.caption, 11, bold=True)
        self.page.ln(1)
        self.page.set_font(FONT, "", 9)
        with self.page.table(
            borders_layout="HORIZONTAL_LINES",
            col_widths=tuple(table.widths or (columns + 1, *[2] * (columns - 1))),
            text_align=("LEFT", *["RIGHT"] * (columns - 1)),
            line_height=LINE,
            padding=(0.8, 0.5),
        ) as rows:
            rows.row([self.said(text) for text in table.heads])
            for cells in table.rows:
                rows.row([self.said(text) for text in cells])
            for cells in table.sums:
                rows.row([self.said(text) for text in cells], style=FontFace(emphasis="BOLD"))

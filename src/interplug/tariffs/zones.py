"""Local time of a Location: which zone, and what its clock says.

Restrictions speak of the wall clock of the Location, durations of real time. A zone is never assumed: it is given, stands in the Location,
or follows from a country that has one clock only. Offsets are kept by quarter of an hour, for all changes of the clock in living memory
happen on one; a lookup is then a dictionary access.
"""

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
DAY = 86_400
_QUARTER = 900 * SECOND
_KEPT = 200_000


class Clock:
    """The wall clock of one zone."""

    __slots__ = ("_offsets", "_zone", "name")

    def __init__(self, name: str, zone: ZoneInfo | None, offset: int = 0) -> None:
        self.name = name
        self._zone = zone
        self._offsets: dict[int, int] = {}
        if zone is None:
            self._offsets = _Fixed(offset)

    def offset(self, us: int) -> int:
        """Seconds to add to UTC."""
        quarter = us // _QUARTER
        found = self._offsets.get(quarter)
        return self._look_up(quarter) if found is None else found

    def local(self, us: int) -> tuple[int, int]:
        """Day number since 1970-01-01 and second of that day."""
        return divmod(us // SECOND + self.offset(us), DAY)

    def changes(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """The stretches of [start, end) with one offset each: (from, to, offset)."""
        stretches = []
        at = start
        while at < end:
            until = self._next_change(at, end)
            stretches.append((at, until, self.offset(at)))
            at = until
        return stretches

    def _next_change(self, at: int, end: int) -> int:
        offset = self.offset(at)
        step = 20 * DAY * SECOND
        while at < end:
            ahead = min(at + step, end)
            if self.offset(ahead) != offset:
                low, high = at // _QUARTER, ahead // _QUARTER
                grid = range(low + 1, high + 1)
                return min(grid[bisect_right(grid, 0, key=lambda quarter: self.offset(quarter * _QUARTER) != offset)] * _QUARTER, end)
            at = ahead
        return end

    def _look_up(self, quarter: int) -> int:
        assert self._zone is not None
        moment = datetime.fromtimestamp(min(max(quarter * 900, _EARLIEST), _LATEST), UTC).astimezone(self._zone)
        shift = moment.utcoffset()
        offset = int(shift.total_seconds()) if shift is not None else 0
        if len(self._offsets) > _KEPT:
            self._offsets.clear()
        self._offsets[quarter] = offset
        return offset


class _Fixed(dict[int, int]):
    def __init__(self, offset: int) -> None:
        super().__init__()
        self._offset = offset

    def get(self, key: int, default: int | None = None) -> int:  # type: ignore[override]
        return self._offset


_EARLIEST = -62_135_000_000
_LATEST = 253_402_000_000


@lru_cache(maxsize=512)
def clock(name: str) -> Clock | None:
    """None if there is no such zone."""
    try:
        return Clock(name, ZoneInfo(name))
    except (ValueError, OSError, LookupError):
        return None


def fixed(offset: int) -> Clock:
    return Clock(f"UTC{offset:+d}s", None, offset)


UTC_CLOCK = fixed(0)


def clock_of_country(country: str) -> Clock | None:
    """The clock of a country that has one only, by alpha-3 or (2.1.1, and by mistake) alpha-2 code."""
    name = _ONE_CLOCK.get(country.upper())
    return clock(name) if name else None


# Countries whose zones have all shown the same time since 2010; alpha-2, alpha-3, zone.
_TABLE = """
AD AND Europe/Andorra;AE ARE Asia/Dubai;AL ALB Europe/Tirane;AM ARM Asia/Yerevan;AR ARG America/Argentina/Buenos_Aires
AT AUT Europe/Vienna;AX ALA Europe/Mariehamn;AZ AZE Asia/Baku;BA BIH Europe/Sarajevo;BB BRB America/Barbados;BD BGD Asia/Dhaka
BE BEL Europe/Brussels;BG BGR Europe/Sofia;BH BHR Asia/Bahrain;BM BMU Atlantic/Bermuda;BN BRN Asia/Brunei;BO BOL America/La_Paz
BS BHS America/Nassau;BY BLR Europe/Minsk;CH CHE Europe/Zurich;CO COL America/Bogota;CR CRI America/Costa_Rica;CW CUW America/Curacao
CZ CZE Europe/Prague;DE DEU Europe/Berlin;DK DNK Europe/Copenhagen;DO DOM America/Santo_Domingo;DZ DZA Africa/Algiers
EE EST Europe/Tallinn;EG EGY Africa/Cairo;ET ETH Africa/Addis_Ababa;FI FIN Europe/Helsinki;FO FRO Atlantic/Faroe;FR FRA Europe/Paris
GB GBR Europe/London;GE GEO Asia/Tbilisi;GG GGY Europe/Guernsey;GH GHA Africa/Accra;GI GIB Europe/Gibraltar;GP GLP America/Guadeloupe
GR GRC Europe/Athens;GT GTM America/Guatemala;HK HKG Asia/Hong_Kong;HN HND America/Tegucigalpa;HR HRV Europe/Zagreb;HU HUN Europe/Budapest
IE IRL Europe/Dublin;IL ISR Asia/Jerusalem;IM IMN Europe/Isle_of_Man;IN IND Asia/Kolkata;IS ISL Atlantic/Reykjavik;IT ITA Europe/Rome
JE JEY Europe/Jersey;JM JAM America/Jamaica;JO JOR Asia/Amman;JP JPN Asia/Tokyo;KE KEN Africa/Nairobi;KG KGZ Asia/Bishkek
KH KHM Asia/Phnom_Penh;KR KOR Asia/Seoul;KW KWT Asia/Kuwait;LA LAO Asia/Vientiane;LB LBN Asia/Beirut;LI LIE Europe/Vaduz
LK LKA Asia/Colombo;LT LTU Europe/Vilnius;LU LUX Europe/Luxembourg;LV LVA Europe/Riga;MA MAR Africa/Casablanca;MC MCO Europe/Monaco
MD MDA Europe/Chisinau;ME MNE Europe/Podgorica;MG MDG Indian/Antananarivo;MK MKD Europe/Skopje;MO MAC Asia/Macau;MQ MTQ America/Martinique
MT MLT Europe/Malta;MU MUS Indian/Mauritius;MY MYS Asia/Kuala_Lumpur;NA NAM Africa/Windhoek;NC NCL Pacific/Noumea;NG NGA Africa/Lagos
NI NIC America/Managua;NL NLD Europe/Amsterdam;NO NOR Europe/Oslo;NP NPL Asia/Kathmandu;OM OMN Asia/Muscat;PA PAN America/Panama
PE PER America/Lima;PH PHL Asia/Manila;PK PAK Asia/Karachi;PL POL Europe/Warsaw;PR PRI America/Puerto_Rico;PY PRY America/Asuncion
QA QAT Asia/Qatar;RE REU Indian/Reunion;RO ROU Europe/Bucharest;RS SRB Europe/Belgrade;RW RWA Africa/Kigali;SA SAU Asia/Riyadh
SE SWE Europe/Stockholm;SG SGP Asia/Singapore;SI SVN Europe/Ljubljana;SK SVK Europe/Bratislava;SM SMR Europe/San_Marino
SN SEN Africa/Dakar;SV SLV America/El_Salvador;TH THA Asia/Bangkok;TN TUN Africa/Tunis;TR TUR Europe/Istanbul;TT TTO America/Port_of_Spain
TW TWN Asia/Taipei;TZ TZA Africa/Dar_es_Salaam;UG UGA Africa/Kampala;UY URY America/Montevideo;UZ UZB Asia/Samarkand;VA VAT Europe/Vatican
VE VEN America/Caracas;VN VNM Asia/Ho_Chi_Minh;XK XKX Europe/Belgrade;ZA ZAF Africa/Johannesburg;ZM ZMB Africa/Lusaka;ZW ZWE Africa/Harare
"""
_ONE_CLOCK: dict[str, str] = {
    code: row[2] for entry in _TABLE.replace("\n", ";").split(";") if len(row := entry.split()) == 3 for code in row[:2]
}

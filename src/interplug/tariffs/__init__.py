"""Money that can be argued with: exact prices of OCPI sessions, in all three versions, without IO.

Where to look, in the order in which a price is made:

    reading       read, fields, session, compiled, restrictions, zones, options, problems
    a price       price; assign, choose, power, spans, divide, settle, money, bounds, result
    saying it     documents, worked, words, phrases, explain, described, typical
    checking      verify, claims, volumes, audit
    a tariff      lint, normalize, same, regions, compare, pick
    charging      simulate, pieces (from meter samples to periods), plan
    selling       retail
    lines         `interplug tariff … --jsonl`
"""

from interplug.tariffs.audit import Audit
from interplug.tariffs.claims import Difference
from interplug.tariffs.compare import Comparison, compare
from interplug.tariffs.compiled import Compiler, Tariff, compile_tariff
from interplug.tariffs.documents import cost_documents, volume_documents
from interplug.tariffs.explain import Explanation, explain
from interplug.tariffs.fields import Finding
from interplug.tariffs.lint import lint
from interplug.tariffs.money import Money
from interplug.tariffs.normalize import Normalized, normalize
from interplug.tariffs.options import EXACT, SPEC, Options, read_options
from interplug.tariffs.pick import pick
from interplug.tariffs.pieces import Phase, Sample
from interplug.tariffs.plan import Plan, read_plan, simulate
from interplug.tariffs.price import price, price_session
from interplug.tariffs.problems import Problem, TariffError
from interplug.tariffs.result import Line, Priced
from interplug.tariffs.retail import Fee, Sale, dearest_kwh, resell, retail_words, sell
from interplug.tariffs.session import ChargingSession, read_session
from interplug.tariffs.simulate import Course, Cutter, cut
from interplug.tariffs.verify import Verified, verify
from interplug.tariffs.words import words
from interplug.tariffs.worked import worked

__all__ = [
    "EXACT",
    "SPEC",
    "Audit",
    "ChargingSession",
    "Comparison",
    "Compiler",
    "Course",
    "Cutter",
    "Difference",
    "Explanation",
    "Fee",
    "Finding",
    "Line",
    "Money",
    "Normalized",
    "Options",
    "Phase",
    "Plan",
    "Priced",
    "Problem",
    "Sale",
    "Sample",
    "Tariff",
    "TariffError",
    "Verified",
    "compare",
    "compile_tariff",
    "cost_documents",
    "cut",
    "dearest_kwh",
    "explain",
    "lint",
    "normalize",
    "pick",
    "price",
    "price_session",
    "read_options",
    "read_plan",
    "read_session",
    "resell",
    "retail_words",
    "sell",
    "simulate",
    "verify",
    "volume_documents",
    "words",
    "worked",
]

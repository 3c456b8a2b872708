-- METHOD PATHS BODIES START: each round over the paths says a time one second later than the last, and the other status.
-- BODIES holds one line for all paths, or one for each.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "told.lua")
local method, paths, bodies, start, at, round, marks

local function turn()
  marks = {
    TIME = os.date("!%Y-%m-%dT%H:%M:%SZ", start + round),
    STATUS = round % 2 == 0 and "CHARGING" or "AVAILABLE",
    ROUND = tostring(start + round),
  }
end

function init(arguments)
  method, paths, bodies, start = arguments[1], lines(arguments[2]), lines(arguments[3]), tonumber(arguments[4])
  wrk.headers["Content-Type"] = "application/json"
  at, round = 0, 0
  turn()
end

function request()
  at = at + 1
  if at > #paths then
    at, round = 1, round + 1
    turn()
  end
  local body = (bodies[at] or bodies[1]):gsub("@(%u+)@", marks)
  return wrk.format(method, paths[at], wrk.headers, body)
end

-- METHOD PATHS BODY START: each round over the paths says a time one second later than the last, and the other status.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "told.lua")
local method, paths, body, start, at, round, text

local function fresh()
  local moment = os.date("!%Y-%m-%dT%H:%M:%SZ", start + round)
  local status = round % 2 == 0 and "CHARGING" or "AVAILABLE"
  text = body:gsub("@TIME@", moment):gsub("@STATUS@", status):gsub("@ROUND@", tostring(start + round))
end

function init(arguments)
  method, paths, body, start = arguments[1], lines(arguments[2]), content(arguments[3]), tonumber(arguments[4])
  wrk.headers["Content-Type"] = "application/json"
  at, round = 0, 0
  fresh()
end

function request()
  at = at + 1
  if at > #paths then
    at, round = 1, round + 1
    fresh()
  end
  -- A Location says its own id, which stands at the end of its path.
  local own = text
  if own:find("@ID@", 1, true) then own = own:gsub("@ID@", paths[at]:match("[^/]+$"), 1) end
  return wrk.format(method, paths[at], wrk.headers, own)
end

-- The last line of every run: what `load.py` reads.
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%f,"p99":%f,"errors":%d}\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status + errors.read + errors.write + errors.connect + errors.timeout))
end

function lines(file)
  local found = {}
  for line in io.lines(file) do found[#found + 1] = line end
  return found
end

function content(file)
  local open = io.open(file, "rb")
  local text = open:read("*a")
  open:close()
  return text
end

-- What wrk sends, as suite/load.py has written it into the folder BENCH_REQUEST: method, headers, body and paths, a line
-- each. `{n}` in a path becomes a number that no other request of the run has. The last line of the output is JSON.

local folder = os.getenv("BENCH_REQUEST")
local threads = 0

local function content_of(name)
   local file = assert(io.open(folder .. "/" .. name, "rb"))
   local content = file:read("*a")
   file:close()
   return content
end

function setup(thread)
   thread:set("thread_number", threads)
   threads = threads + 1
end

local ready = {}
local before, behind
local count = 0

function init()
   local headers = {}
   for line in content_of("headers"):gmatch("[^\n]+") do
      local name, value = line:match("^([^:]+): (.*)$")
      headers[name] = value
   end
   local method, body = content_of("method"), content_of("body")
   if body == "" then body = nil end
   for path in content_of("paths"):gmatch("[^\n]+") do
      local request = wrk.format(method, path, headers, body)
      local at = request:find("{n}", 1, true)
      if at then
         before, behind = request:sub(1, at - 1), request:sub(at + 3)
      else
         ready[#ready + 1] = request
      end
   end
   count = thread_number * math.floor(#ready / 2)
end

function request()
   count = count + 1
   if before then
      return before .. thread_number .. "-" .. count .. behind
   end
   return ready[count % #ready + 1]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"statuses_failed":%d,"sockets_failed":%d,"timed_out":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end

-- Statistics, of which each process publishes its own.
--
--   stats             sorted set: processes, by the time of their last report
--   stats:PROCESS     the report, as text

function ops.publish_stats(request)
  local process, kept_ms = request.process, request.kept_ms
  redis.call('SET', key('stats', process), request.report, 'PX', kept_ms)
  redis.call('ZADD', key('stats'), now, process)
  redis.call('ZREMRANGEBYSCORE', key('stats'), '-inf', now - kept_ms)
end

-- Return the last report of each process, and its age.
function ops.published_stats()
  local found = {}
  local times = redis.call('ZRANGE', key('stats'), 0, -1, 'WITHSCORES')
  for index = 1, #times, 2 do
    local process, report = times[index], redis.call('GET', key('stats', times[index]))
    if report then
      local age_ms = now - tonumber(times[index + 1])
      found[#found + 1] = { process = process, report = report, age_ms = age_ms }
    end
  end
  return found
end

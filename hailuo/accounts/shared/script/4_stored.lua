-- Stored responses: their number and size, so that clients cannot fill the memory.
--
--   response:…        what is kept, set and read by plain commands
--   stored, sizes     when each was stored, and its size in bytes
--   stored_bytes      sum of the sizes

local function unstore(name)
  local size = tonumber(redis.call('HGET', key('sizes'), name) or 0)
  redis.call('HDEL', key('sizes'), name)
  redis.call('ZREM', key('stored'), name)
  redis.call('DECRBY', key('stored_bytes'), size)
  return redis.call('DEL', prefix .. name) > 0
end

function ops.unstore(request)
  return unstore(request.name)
end

-- Record that a response was stored; delete the oldest beyond the bounds.
function ops.stored(request)
  local name = request.name
  local before = tonumber(redis.call('HGET', key('sizes'), name) or 0)
  redis.call('ZADD', key('stored'), now, name)
  redis.call('HSET', key('sizes'), name, request.size)
  redis.call('INCRBY', key('stored_bytes'), request.size - before)
  while true do
    local oldest = redis.call('ZRANGE', key('stored'), 0, 0, 'WITHSCORES')
    local is_full = redis.call('ZCARD', key('stored')) > request.max_count
      or tonumber(redis.call('GET', key('stored_bytes'))) > request.max_bytes
    local is_expired = oldest[2] and tonumber(oldest[2]) + request.ttl_ms <= now
    if not oldest[1] or not (is_full or is_expired) then
      return true
    end
    unstore(oldest[1])
  end
end

-- Leases: at most a slot's capacity of them at once, each for a limited time.

local CANDIDATE = '([^:%s]+):([^:%s]+):(-?%d+):(%a*):(%d+)'

-- Return the candidates of a request, in their order.
local function candidates(request)
  local found = {}
  for slot, digest, capacity, flags, limits in
    string.gmatch(request.candidates, CANDIDATE)
  do
    found[#found + 1] = {
      slot = slot,
      digest = digest,
      capacity = tonumber(capacity),
      limits = request.limits[tonumber(limits)],
      unproven = string.find(flags, 'u', 1, true) ~= nil,
      tried = string.find(flags, 't', 1, true) ~= nil,
      ignores_cooldown = string.find(flags, 'i', 1, true) ~= nil,
    }
  end
  return found
end

-- Return the key of a slot's leases, of proven or unproven credentials.
local function leases(slot, unproven)
  return key(unproven and 'unproven' or 'leases', slot)
end

-- Drop expired leases, and update the index of leased slots.
local function refresh(slot)
  redis.call('ZREMRANGEBYSCORE', leases(slot), '-inf', now)
  redis.call('ZREMRANGEBYSCORE', leases(slot, true), '-inf', now)
  local first = redis.call('ZRANGE', leases(slot), 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', key('leased'), first[2], slot)
  else
    redis.call('ZREM', key('leased'), slot)
  end
end

local function is_held(slot, id)
  local expiry = redis.call('ZSCORE', leases(slot), id)
    or redis.call('ZSCORE', leases(slot, true), id)
  return expiry and tonumber(expiry) > now
end

-- An unproven lease blocks other unproven ones, and nobody else.
local function has_room(slot, capacity, unproven)
  if capacity < 0 then
    return true
  end
  local count = redis.call('ZCARD', leases(slot))
  if unproven then
    count = count + redis.call('ZCARD', leases(slot, true))
  end
  return count < capacity
end

local function is_usable(candidate)
  local fields = redis.call(
    'HMGET', key('credential', candidate.digest), 'dead', unpack(candidate.limits)
  )
  if fields[1] then
    return false
  end
  for index = 2, #candidate.limits + 1 do
    if fields[index] and tonumber(fields[index]) > now then
      return candidate.ignores_cooldown
    end
  end
  return true
end

local function can_take(candidate)
  return has_room(candidate.slot, candidate.capacity, candidate.unproven)
    and is_usable(candidate)
end

-- Return the scores of slots; nil for those that are not in the set.
local function scores(name, found)
  local all = {}
  for first = 1, #found, 1000 do
    local slots = {}
    for index = first, math.min(first + 999, #found) do
      slots[#slots + 1] = found[index].slot
    end
    for index, score in ipairs(redis.call('ZMSCORE', key(name), unpack(slots))) do
      all[first + index - 1] = score and tonumber(score)
    end
  end
  return all
end

-- Return the least recently used candidate that can be leased now, nil for none.
-- One that was tried before comes after all others.
local function pick(request)
  local found = candidates(request)
  local expiries, used = scores('leased', found), scores('used', found)
  local free = {}
  for index, candidate in ipairs(found) do
    local is_leased = expiries[index] and expiries[index] > now
    if candidate.capacity ~= 1 or not is_leased then
      candidate.rank = (used[index] or 0) + (candidate.tried and 1e17 or 0)
      free[#free + 1] = candidate
    end
  end
  table.sort(free, function(one, other) return one.rank < other.rank end)
  for _, candidate in ipairs(free) do
    refresh(candidate.slot)
    if can_take(candidate) then
      return candidate
    end
  end
end

-- Lease a slot until *expiry*; return the lease.
local function grant(candidate, id, expiry)
  local slot, fence = candidate.slot, redis.call('INCR', key('fence'))
  redis.call('ZADD', leases(slot, candidate.unproven), expiry, id)
  redis.call('ZADD', key('used'), now_us, slot)
  redis.call('HSET', key('fences'), slot, fence)
  refresh(slot)
  return {
    slot = slot,
    digest = candidate.digest,
    fence = fence,
    unproven = candidate.unproven,
    version = tonumber(redis.call('HGET', key('versions'), slot) or 0),
  }
end

-- Extend a lease that may have expired. It is lost if another one of its slot has
-- been given out since, which has a higher number.
local function renew(lease)
  local slot, expiry = lease.slot, now + config.lease_ms
  if not is_held(slot, lease.id) then
    local newest = tonumber(redis.call('HGET', key('fences'), slot) or lease.fence)
    refresh(slot)
    if newest ~= lease.fence or not has_room(slot, lease.capacity, lease.unproven) then
      return false
    end
    redis.call('HSET', key('fences'), slot, lease.fence)
  end
  redis.call('ZADD', leases(slot, lease.unproven), expiry, lease.id)
  refresh(slot)
  return true
end

-- End a lease; return whether it was still held.
local function drop(slot, id)
  local count = redis.call('ZREM', leases(slot), id)
    + redis.call('ZREM', leases(slot, true), id)
  refresh(slot)
  return count > 0
end

-- Count an unproven lease as proven: from now on it blocks others.
function ops.prove(request)
  local slot, id = request.slot, request.id
  local expiry = redis.call('ZSCORE', leases(slot, true), id)
  if expiry then
    redis.call('ZREM', leases(slot, true), id)
    redis.call('ZADD', leases(slot), expiry, id)
    refresh(slot)
  end
  return expiry ~= false
end

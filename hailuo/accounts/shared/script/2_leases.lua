-- Leases: at most a slot's capacity of them at once, each for a limited time.

local CANDIDATE = '^([^:]+):([^:]+):(-?%d+):(u?):(%d+)'
local scopes = {}

-- Return the candidates of a request as text, nil if it is not known (any more). It is
-- long and always the same, so requests only name it.
local function scope_text(name)
  if scopes[name] == nil then
    scopes[name] = redis.call('GETEX', key('scope', name), 'PX', config.scope_ms)
  end
  return scopes[name] or nil
end

local function is_tried(request, slot)
  for _, tried in ipairs(request.tried) do
    if tried == slot then
      return true
    end
  end
  return false
end

-- Return the candidates of a request for a slot; mostly there is one, or none.
local function candidates_for(request, slot)
  local text, found = scope_text(request.scope) or '', {}
  local start = string.find(text, slot, 1, true)
  while start do
    local name, digest, capacity, flag, limits = string.match(text, CANDIDATE, start)
    if name == slot then
      found[#found + 1] = {
        slot = slot,
        digest = digest,
        capacity = tonumber(capacity),
        limits = request.limits[tonumber(limits)],
        unproven = flag == 'u',
        ignores_cooldown = request.single and is_tried(request, slot),
      }
    end
    start = string.find(text, slot, start + 1, true)
  end
  return found
end

-- Return the key of a slot's leases, of proven or unproven credentials.
local function leases(slot, unproven)
  return key(unproven and 'unproven' or 'leases', slot)
end

-- Set when a lease ends.
local function set_expiry(slot, unproven, id, expiry)
  redis.call('ZADD', leases(slot, unproven), expiry, id)
  if unproven then  -- no index leads to the key, if nobody ends the lease
    redis.call('PEXPIRE', leases(slot, true), config.lease_ms)
  end
end

-- Update the indexes of leased and of idle slots. Only slots of the pool are indexed as
-- idle: clients may invent any number of others. A slot with a capacity other than 1 may
-- have room beside its leases, and stays.
local function reindex(slot)
  local first = redis.call('ZRANGE', leases(slot), 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', key('leased'), first[2], slot)
    if redis.call('SISMEMBER', key('wide'), slot) == 0 then
      redis.call('ZREM', key('idle'), slot)
      return
    end
  else
    redis.call('ZREM', key('leased'), slot)
  end
  if redis.call('HEXISTS', key('tokens'), slot) == 1 then
    redis.call('ZADD', key('idle'), redis.call('ZSCORE', key('used'), slot) or 0, slot)
  end
end

-- Drop expired leases.
local function drop_expired(slot)
  redis.call('ZREMRANGEBYSCORE', leases(slot), '-inf', now)
  redis.call('ZREMRANGEBYSCORE', leases(slot, true), '-inf', now)
  reindex(slot)
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
    redis.call('ZREMRANGEBYSCORE', leases(slot, true), '-inf', now)
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

-- Return the first candidate for a slot that can be leased now, nil for none.
local function takeable(request, slot)
  for _, candidate in ipairs(candidates_for(request, slot)) do
    if can_take(candidate) then
      return candidate
    end
  end
end

-- Call *try* with slots, the least recently used first, until it returns a value.
local function first_of_idle(try)
  local start, found = 0, nil
  repeat
    local slots = redis.call('ZRANGE', key('idle'), start, start + 99)
    for _, slot in ipairs(slots) do
      found = found or try(slot)
    end
    start = start + 100
  until found or #slots == 0
  return found
end

local function first_of_few(slots, try)
  local ranks = {}
  for index, used in ipairs(redis.call('ZMSCORE', key('used'), unpack(slots))) do
    ranks[slots[index]] = tonumber(used or 0)
  end
  table.sort(slots, function(one, other) return ranks[one] < ranks[other] end)
  for _, slot in ipairs(slots) do
    local found = try(slot)
    if found then
      return found
    end
  end
end

-- Return the least recently used candidate that can be leased now, nil for none.
-- Those that were tried before come after all others. A request of few candidates,
-- such as a client's own, lists their slots; one of many has those of the pool.
local function pick(request)
  local function untried(slot)
    return not is_tried(request, slot) and takeable(request, slot)
  end
  local function any(slot)
    return takeable(request, slot)
  end
  local first = first_of_idle
  if request.slots then
    first = function(try) return first_of_few(request.slots, try) end
  end
  return first(untried) or (#request.tried > 0 and first(any)) or nil
end

-- Lease a slot until *expiry*; return the lease.
local function grant(candidate, id, expiry)
  local slot, fence = candidate.slot, redis.call('INCR', key('fence'))
  set_expiry(slot, candidate.unproven, id, expiry)
  redis.call('ZADD', key('used'), now_us, slot)
  redis.call('HSET', key('fences'), slot, fence)
  reindex(slot)
  return {
    slot = slot,
    digest = candidate.digest,
    fence = fence,
    unproven = candidate.unproven,
    version = tonumber(redis.call('HGET', key('versions'), slot) or 0),
  }
end

-- Register a lease again that has expired, or that Redis does not know any more. It is
-- lost if another one of its slot was given out since, which has a higher number. After
-- a loss of the latest changes the counter may be behind the leases that run.
-- Return whether it could be.
local function register(lease)
  local slot = lease.slot
  local newest = tonumber(redis.call('HGET', key('fences'), slot) or 0)
  drop_expired(slot)
  if lease.capacity >= 0 and newest > lease.fence then
    return false
  end
  if not has_room(slot, lease.capacity, lease.unproven) then
    return false
  end
  redis.call('HSET', key('fences'), slot, math.max(newest, lease.fence))
  if tonumber(redis.call('GET', key('fence')) or 0) < lease.fence then
    redis.call('SET', key('fence'), lease.fence)
  end
  return true
end

-- Extend a lease; return false if it is lost. It is { id, slot, fence, capacity,
-- unproven }, as its process has it.
local function renew(lease)
  local slot, expiry = lease.slot, now + config.lease_ms
  if not is_held(slot, lease.id) and not register(lease) then
    return false
  end
  set_expiry(slot, lease.unproven, lease.id, expiry)
  reindex(slot)
  return true
end

-- End a lease; return whether it was still held.
local function drop(slot, id)
  local was_held = redis.call('ZREM', leases(slot), id) == 1
    or redis.call('ZREM', leases(slot, true), id) == 1
  reindex(slot)
  return was_held
end

-- Count an unproven lease as proven: from now on it blocks others.
function ops.prove(request)
  local slot, id = request.slot, request.id
  local expiry = redis.call('ZSCORE', leases(slot, true), id)
  if expiry then
    redis.call('ZREM', leases(slot, true), id)
    redis.call('ZADD', leases(slot), expiry, id)
    reindex(slot)
  end
  return expiry ~= false
end

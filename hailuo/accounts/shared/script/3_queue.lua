-- The queue: requests that wait for an account, first come, first served.

local function leave_queue(id)
  redis.call('DEL', key('waiter', id))
  redis.call('ZREM', key('queue'), id)
end

-- Return the lease that a waiter was granted and did not claim yet, nil for none.
local function granted(id)
  local lease = redis.call('HGET', key('waiter', id), 'granted')
  lease = lease and cjson.decode(lease)
  return lease and is_held(lease.slot, id) and lease or nil
end

-- Offer a slot to a waiter. It has to claim the lease soon, since it may be dead.
local function offer_to(id, request, slot)
  local candidate = takeable(request, slot)
  if candidate then
    local lease = grant(candidate, id, now + config.claim_ms)
    redis.call('HSET', key('waiter', id), 'granted', cjson.encode(lease))
    redis.call('RPUSH', key('grants', request.process), id)
    redis.call('PEXPIRE', key('grants', request.process), config.waiter_ms)
    return lease
  end
end

-- Offer a slot to the first waiters that may use it, of those whose tickets are in
-- front of *before*. A waiter with an unproven credential does not keep it from those
-- behind. Dead waiters are dropped.
local function offer(slot, before)
  if grace_left_ms > 0 or redis.call('EXISTS', key('queue')) == 0 then
    return
  end
  local skipped = 0
  while true do
    local ids = redis.call(
      'ZRANGEBYSCORE', key('queue'), '-inf', before, 'LIMIT', skipped, 100
    )
    for _, id in ipairs(ids) do
      local waiter = redis.call('HMGET', key('waiter', id), 'scope', 'request')
      if not waiter[1] then
        redis.call('ZREM', key('queue'), id)
      else
        skipped = skipped + 1
        local text = scope_text(waiter[1])
        if text and string.find(text, slot, 1, true) and not granted(id) then
          local lease = offer_to(id, cjson.decode(waiter[2]), slot)
          if lease and not lease.unproven then
            return
          end
        end
      end
    end
    if #ids == 0 then
      return
    end
  end
end

-- Offer the slots of leases that have expired, because their processes are dead.
local function sweep()
  local slots = redis.call(
    'ZRANGEBYSCORE', key('leased'), '-inf', now, 'LIMIT', 0, 100
  )
  for _, slot in ipairs(slots) do
    drop_expired(slot)
    offer(slot, '+inf')
  end
end

-- Lease an account, or queue for one. Repeated with the same id it claims what was
-- granted meanwhile, and otherwise updates the candidates; the place is kept.
--
-- id, process      the waiter, and who is told when it is granted a lease
-- ticket           its place in the queue
-- waits, queued    whether it enters the queue; whether it has, with this id
-- scope, text      name and text of its candidates; the text only if it is not known
-- slots            the candidates' slots if they are few, else the pool's are meant
-- limits           by the number in a candidate: fields of cooldowns that matter
-- tried, single    slots that it had before; whether there is only one candidate, which
--                  may then be leased again during a cooldown
--
-- Return { lease }; { wait_ms }, after which to ask again, 0 for when it is told; or
-- { needs_text }.
function ops.acquire(request)
  local id, expiry = request.id, now + config.lease_ms
  local lease = request.queued and granted(id)
  if lease then
    leave_queue(id)
    set_expiry(lease.slot, lease.unproven, id, expiry)
    reindex(lease.slot)
    return { lease = lease }
  end
  if request.text then
    redis.call('SET', key('scope', request.scope), request.text, 'PX', config.scope_ms)
  elseif not scope_text(request.scope) then
    return { needs_text = true }
  end
  local best
  if grace_left_ms == 0 then
    sweep()
    best = pick(request)
  end
  local others_wait = redis.call('EXISTS', key('queue')) == 1
  while best and others_wait do  -- those in front come first
    offer(best.slot, string.format('(%.0f', request.ticket))
    if can_take(best) then
      break
    end
    best = pick(request)
  end
  if best then
    if request.queued then
      leave_queue(id)
    end
    return { lease = grant(best, id, expiry) }
  end
  if request.waits then
    request.text, request.queued = nil, nil
    redis.call(
      'HSET', key('waiter', id), 'scope', request.scope, 'request', cjson.encode(request)
    )
    redis.call('PEXPIRE', key('waiter', id), config.waiter_ms)
    redis.call('ZADD', key('queue'), string.format('%.0f', request.ticket), id)
  end
  return { wait_ms = grace_left_ms }
end

-- Release a lease; the first waiter that may use the slot gets it.
function ops.release(request)
  local was_held = drop(request.slot, request.id)
  offer(request.slot, '+inf')
  return was_held
end

-- Leave the queue, and give back whatever the waiter was granted.
-- slots: those that it may have been granted by a call whose result was lost.
function ops.leave(request)
  local lease = granted(request.id)
  leave_queue(request.id)
  local slots = request.slots or (lease and { lease.slot }) or {}
  for _, slot in ipairs(slots) do
    if drop(slot, request.id) then
      offer(slot, '+inf')
    end
  end
  return true
end

-- Forget the slots that were used least recently, which clients can invent.
local function forget()
  if redis.call('ZCARD', key('used')) > config.max_slots then
    for _, slot in ipairs(redis.call('ZRANGE', key('used'), 0, 99)) do
      redis.call('ZREM', key('used'), slot)
      redis.call('HDEL', key('fences'), slot)
    end
  end
end

-- Return what has changed since a version, nil if that is not known any more.
local function changes(version)
  if version < tonumber(redis.call('GET', key('forgotten')) or 0) then
    return nil
  end
  return redis.call('ZRANGEBYSCORE', key('changed'), '(' .. version, '+inf')
end

-- Renew a process's leases and its waiters' places, and report what it should know.
function ops.tick(request)
  local lost, gone = {}, {}
  for _, lease in ipairs(request.leases) do
    if not renew(lease) then
      lost[#lost + 1] = lease.id
    end
  end
  for _, id in ipairs(request.waiters) do
    if redis.call('PEXPIRE', key('waiter', id), config.waiter_ms) == 0 then
      gone[#gone + 1] = id
    end
  end
  if grace_left_ms == 0 then
    sweep()
  end
  forget()
  return {
    now_us = string.format('%.0f', now_us),
    epoch = redis.call('GET', key('epoch')),
    version = tonumber(redis.call('GET', key('version')) or 0),
    changed = changes(request.version),
    leased = redis.call('ZRANGEBYSCORE', key('leased'), '(' .. now, '+inf'),
    lost = lost,
    gone = gone,
  }
end

-- Return the ids of leases by slot, and when each slot was used last.
function ops.snapshot(request)
  local ids, used = {}, {}
  for _, slot in ipairs(request.slots) do
    drop_expired(slot)
    ids[slot] = redis.call('ZRANGE', leases(slot), 0, -1)
    used[slot] = tonumber(redis.call('ZSCORE', key('used'), slot) or 0) / 1000
  end
  return { leases = ids, used = used }
end

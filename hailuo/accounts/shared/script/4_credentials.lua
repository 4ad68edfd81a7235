-- The pool's tokens, changed by compare-and-set, and the state of credentials.

-- Record an answer; forget the cooldowns for its purpose that began before it.
function ops.answered(request)
  local name = key('credential', request.digest)
  redis.call('HINCRBY', name, 'answers', 1)
  local had_error = redis.call('HDEL', name, 'last_error')
  for _, limit in ipairs(request.limits) do
    local cooldown = redis.call('HGET', name, 'cooldown:' .. limit)
    if cooldown and cjson.decode(cooldown).began <= request.since then
      redis.call('HDEL', name, 'until:' .. limit, 'cooldown:' .. limit)
      had_error = 1
    end
  end
  redis.call('EXPIRE', name, config.state_s)
  if had_error > 0 then
    note(request.digest)
  end
end

-- Start a cooldown, unless a longer one runs.
function ops.refused(request)
  local name, limit = key('credential', request.digest), request.limit
  local until_ms = tonumber(redis.call('HGET', name, 'until:' .. limit) or 0)
  if request.until_ms > until_ms then
    redis.call(
      'HSET', name, 'until:' .. limit, request.until_ms,
      'cooldown:' .. limit, cjson.encode(request.cooldown)
    )
  end
  if redis.call('HLEN', name) > config.max_fields then
    redis.call('DEL', name)  -- of a client that invents models
  end
  redis.call('HSET', name, 'last_error', request.message)
  redis.call('EXPIRE', name, config.state_s)
  note(request.digest)
end

-- Record that the service rejects a credential.
function ops.rejected(request)
  local name = key('credential', request.digest)
  redis.call('HSET', name, 'dead', 1, 'last_error', request.message)
  redis.call('EXPIRE', name, config.state_s)
  note(request.digest)
end

-- Record what is left of a plan, or that it is unknown; forget the cooldowns of the
-- class *ends* and of the *purpose* that began before it was asked for.
function ops.quota(request)
  local name = key('credential', request.digest)
  if request.quota == cjson.null then
    redis.call('HDEL', name, 'quota')
  else
    redis.call('HSET', name, 'quota', request.quota)
  end
  for _, field in ipairs(redis.call('HKEYS', name)) do
    local limit = string.match(field, '^cooldown:(' .. request.purpose .. ':.*)$')
    local cooldown = limit and cjson.decode(redis.call('HGET', name, field))
    local is_over = cooldown and cooldown.error == request.ends
    if is_over and cooldown.began <= request.since then
      redis.call('HDEL', name, 'until:' .. limit, field)
    end
  end
  redis.call('EXPIRE', name, config.state_s)
  note(request.digest)
end

-- Return the states of credentials, as lists of fields and values.
function ops.states(request)
  local states = {}
  for index, digest in ipairs(request.digests) do
    states[index] = redis.call('HGETALL', key('credential', digest))
  end
  return states
end

-- Return the pool's tokens, their versions, and when each was renewed last.
function ops.credentials()
  return {
    tokens = redis.call('HGETALL', key('tokens')),
    versions = redis.call('HGETALL', key('versions')),
    renewed = redis.call('HGETALL', key('renewed')),
    version = tonumber(redis.call('GET', key('version')) or 0),
    epoch = redis.call('GET', key('epoch')),
  }
end

-- Return those of *digests* that were replaced or removed.
function ops.retired(request)
  local found = {}
  for _, digest in ipairs(request.digests) do
    if redis.call('ZSCORE', key('retired'), digest) then
      found[#found + 1] = digest
    end
  end
  return found
end

-- Set or remove the token of a slot if its version is the expected one.
-- Return whether it was. A version never comes back, even after a removal.
function ops.replace(request)
  local slot = request.slot
  if tonumber(redis.call('HGET', key('versions'), slot) or 0) ~= request.version then
    return false
  end
  redis.call('HINCRBY', key('versions'), slot, 1)
  if request.token then
    redis.call('HSET', key('tokens'), slot, request.token)
    redis.call('ZREM', key('retired'), request.digest)
    redis.call(request.capacity == 1 and 'SREM' or 'SADD', key('wide'), slot)
  else
    redis.call('HDEL', key('tokens'), slot)
    redis.call('ZREM', key('idle'), slot)
  end
  drop_expired(slot)
  if request.old then
    redis.call('ZADD', key('retired'), now, request.old)
    redis.call('ZREMRANGEBYRANK', key('retired'), 0, -config.max_retired - 1)
  end
  if request.renewed then
    redis.call('HSET', key('renewed'), slot, now)
  end
  note('credentials')
  return true
end

-- Acquire the lock of a renewal, which outlives every call to the service, or of the
-- question for a quota, which lasts until the next one.
function ops.lock(request)
  return redis.call(
    'SET', key('lock', request.slot), request.owner, 'NX', 'PX', request.lock_ms
  ) and true
end

-- Release it, if it is still the owner's.
function ops.unlock(request)
  local name = key('lock', request.slot)
  if redis.call('GET', name) == request.owner then
    redis.call('DEL', name)
    return true
  end
  return false
end

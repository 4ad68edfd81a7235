-- Operations of the shared pool, which run one at a time inside Redis.
--
-- The files of this folder make up one script, in the order of their names, behind a
-- line that client.py writes: "local config = {…}". The script is called with operations
-- as JSON, {"op": "acquire", …}, and returns the results of all.
-- Times are milliseconds of Redis' own clock, so that no machine's clock matters.
--
--   leased            sorted set: slots, by the time at which their first lease expires
--   leases:SLOT       sorted set: ids of leases, by their expiry
--   unproven:SLOT     the same, of credentials that their service has not accepted yet
--   used, fences      by slot: when it was leased last (µs), and that lease's number
--   idle, wide        sorted set: the pool's slots that may have room, by their last
--                     lease; those of them whose capacity is not 1
--   scope:NAME        candidates of requests, as text (see acquisition.py)
--   queue             sorted set: ids of waiters, by their tickets
--   waiter:ID         hash: a waiter's request, and the lease that it was granted
--   grants:PROCESS    list: ids of the process's waiters that were granted a lease
--   credential:DIGEST hash: state of a credential: dead, answers, last_error, quota,
--                     cooldowns
--   tokens, versions, renewed   by slot: the pool's tokens, and their changes
--   retired           sorted set: digests of tokens that were replaced or removed
--   changed, version  sorted set: what has changed, by the number of its last change
--   forgotten         number of the last change that is not in the set any more
--   epoch             when the data began; a new one means that it was lost before
--   seen, grace       when anyone last called; until when nothing may be leased

local prefix = KEYS[1]
local ops = {}

local time = redis.call('TIME')
local now_us = time[1] * 1e6 + time[2]
local now = math.floor(now_us / 1000)

local function key(name, id)
  return prefix .. name .. (id and ':' .. id or '')
end

-- Number a change, so that other processes read what has changed.
local function note(changed)
  redis.call('ZADD', key('changed'), redis.call('INCR', key('version')), changed)
  if redis.call('ZCARD', key('changed')) > config.max_changes then
    local forgotten = redis.call('ZPOPMIN', key('changed'))
    redis.call('SET', key('forgotten'), forgotten[2])
  end
end

-- After a silence nothing is leased for a while: leases may be lost, or may have
-- expired, although their answers run. Their processes say so in this time.
-- Return the milliseconds that are left of it.
local function grace_ms()
  local names = { key('seen'), key('epoch'), key('grace') }
  local seen, epoch, grace = unpack(redis.call('MGET', unpack(names)))
  if not epoch then
    redis.call('SET', key('epoch'), string.format('%.0f', now_us))
    redis.call('SET', key('fence'), now)  -- above every number before the loss
  end
  local silence_ms = now - (epoch and tonumber(seen) or 0)
  if silence_ms > config.silence_ms / 10 then
    redis.call('SET', key('seen'), now)
  end
  if silence_ms > config.silence_ms then
    grace = now + config.grace_ms
    redis.call('SET', key('grace'), grace)
  end
  return math.max(0, tonumber(grace or 0) - now)
end
local grace_left_ms = grace_ms()

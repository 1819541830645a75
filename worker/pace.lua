-- One step of the limits that all workers share; the same as `take` in worker/rules/pace.py, where the words are.
-- KEYS: for each limit its state and its calls in flight. ARGV: one JSON object, see worker/pace.py.
-- Moments travel as strings: cjson writes fourteen digits, and a moment needs sixteen.
local ask = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000 + ask.stepped  -- 0 outside the sandbox
if ask.now then now = tonumber(ask.now) end  -- tests hold it against the rule

local function number(text) return tonumber(text or '') or 0 end

local function hear(limit, state)
  state.full_at = state.full_at - limit.unused * limit.interval
  if limit.slow then
    local wish = math.min(limit.slow, ask.longest_wish)
    if now >= state.rest_until then
      local again = now <= state.rest_until + ask.memory
      state.step = math.min(math.max(ask.first_rest, again and state.step * 2 or 0), ask.longest_rest)
      wish = math.max(wish, state.step)
    end
    state.rest_until = math.max(state.rest_until, now + wish)
    state.ramp = 1
  elseif state.ramp > 0 and limit.answered > 0 and now >= state.rest_until then
    state.ramp = state.ramp + limit.answered
    if state.ramp >= (limit.calls > 0 and limit.calls or ask.wide_open) then state.ramp = 0 end
  end
end

-- Calls of the other processes. Each says its own number whenever it asks, so an emptied Redis knows again within a
-- round; one that was killed is forgotten once its calls must be over.
local function others(key)
  local many, fields = 0, redis.call('HGETALL', key)
  for n = 1, #fields, 2 do
    local count, ends = string.match(fields[n + 1], '^(%d+) (.+)$')
    if number(ends) <= now then
      redis.call('HDEL', key, fields[n])
    elseif fields[n] ~= ask.me then
      many = many + tonumber(count)
    end
  end
  return many
end

local limits = {}
for n, limit in ipairs(ask.limits) do
  local kept = redis.call('HMGET', KEYS[2 * n - 1], 'full_at', 'rest_until', 'step', 'ramp')
  local state = {full_at = number(kept[1]), rest_until = number(kept[2]), step = number(kept[3]), ramp = number(kept[4])}
  -- What this process remembers stands in for what an emptied Redis forgot; a stepped clock makes it worthless.
  local full_at, rest_until = number(limit.full_at), number(limit.rest_until)
  if not kept[1] then state.step, state.ramp = limit.step, limit.ramp end
  if full_at < now + (limit.burst + ask.longest_text) * limit.interval then
    state.full_at = math.max(state.full_at, full_at)
  end
  if rest_until <= now + ask.longest_wish then state.rest_until = math.max(state.rest_until, rest_until) end
  hear(limit, state)
  local flying = others(KEYS[2 * n]) + limit.flying
  limits[n] = {limit = limit, state = state, line = state.full_at, flying = flying, mine = limit.flying}
end

local function wait(each)
  local limit, state = each.limit, each.state
  if state.rest_until > now then return state.rest_until - now, 'rest' end
  local free = each.line - (limit.burst - 1) * limit.interval - now
  if limit.interval > 0 and free > 0 then return free, 'rate' end
  local full = (limit.calls > 0 and each.flying >= limit.calls) or (state.ramp > 0 and each.flying >= state.ramp)
  if full then return ask.calls_wait, 'calls' end
  return 0, ''
end

local waits, reasons = {}, {}
for n, want in ipairs(ask.wants) do
  local longest, why, own = 0, '', {}
  for m, place in ipairs(want[1]) do
    local seconds, reason = wait(limits[place + 1])
    own[m] = seconds
    if seconds > longest then longest, why = seconds, reason end
  end
  for m, place in ipairs(want[1]) do
    local each = limits[place + 1]
    local drained = math.max(each.line, now) + want[2] * each.limit.interval
    if longest == 0 then
      each.flying, each.mine = each.flying + 1, each.mine + 1
      each.line, each.state.full_at = drained, drained
    elseif own[m] > 0 then
      each.line = drained
    end
  end
  waits[n], reasons[n] = string.format('%.6f', longest), why
end

local states = {}
for n, each in ipairs(limits) do
  local state, key, calls = each.state, KEYS[2 * n - 1], KEYS[2 * n]
  local full_at, rest_until = string.format('%.6f', state.full_at), string.format('%.6f', state.rest_until)
  redis.call('HSET', key, 'full_at', full_at, 'rest_until', rest_until, 'step', state.step, 'ramp', state.ramp)
  local until_idle = math.max(state.full_at, state.rest_until) - now + 2 * ask.memory
  redis.call('EXPIRE', key, math.ceil(math.max(until_idle, 1)))
  if each.mine > 0 then
    redis.call('HSET', calls, ask.me, each.mine .. ' ' .. string.format('%.6f', now + ask.longest_call))
    redis.call('EXPIRE', calls, math.ceil(ask.longest_call) + 1)
  else
    redis.call('HDEL', calls, ask.me)
  end
  states[n] = {full_at, rest_until, state.step, state.ramp}
end
return cjson.encode({string.format('%.6f', now), waits, reasons, states})

-- KEYS[1]: the account. ARGV: its limit, the milliseconds until it is forgotten, the replica, what it
-- has spent, its lease at least and at most, the lease's microseconds.
-- Returns the lease, the leases of others, what all have spent, as decimal text.
--
-- An account is a hash: "spent", and for each replica "by NAME", what it has spent, and "lease NAME",
-- "AMOUNT EXPIRES". Any other value of these fields counts as absent, and a key of another type is
-- replaced. Amounts are 64-bit integers, and Lua's numbers are exact below 2^53 only. So the server
-- adds them, and what is computed here are differences.
local limit, spent, least, most = ARGV[1], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(n) return string.format('%.0f', n) end

-- Returns the billions and the rest of an amount.
local function split(amount)
  amount = string.rep('0', 19 - #amount) .. amount
  return tonumber(string.sub(amount, 1, 10), 10), tonumber(string.sub(amount, 11), 10)
end

-- Returns the difference of two amounts, exact if it is below 2^53.
local function minus(a, b)
  local high, low = split(a)
  local less, lower = split(b)
  return (high - less) * 1000000000 + low - lower
end

-- Returns the amount in a field.
local function amountOf(field)
  return string.match(redis.call('HGET', KEYS[1], field) or '', '^%d+$') or '0'
end

local by, lease = 'by ' .. ARGV[3], 'lease ' .. ARGV[3]
local found = redis.pcall('HGET', KEYS[1], by)
if type(found) == 'table' and string.find(found.err or '', 'WRONGTYPE') then
  redis.call('DEL', KEYS[1])
end
local before = amountOf(by)
if amountOf('spent') == '0' then
  redis.call('HDEL', KEYS[1], 'spent')
end
local charged = math.max(minus(spent, before), 0)
redis.call('HINCRBY', KEYS[1], 'spent', '0') -- first: without memory, it fails and nothing has changed
if charged > 0 then
  redis.call('HSET', KEYS[1], by, spent)
  redis.call('HINCRBY', KEYS[1], 'spent', spent)
  if before ~= '0' then
    redis.call('HINCRBY', KEYS[1], 'spent', '-' .. before)
  end
end

local account, all, mine, others = redis.call('HGETALL', KEYS[1]), '0', 0, 0
for i = 1, #account, 2 do
  local field, value = account[i], account[i + 1]
  if field == 'spent' then
    all = value
  elseif string.sub(field, 1, 6) == 'lease ' then
    local amount, expires = string.match(value, '^(%d+) (%d+)$')
    if not amount or tonumber(expires) <= now then
      redis.call('HDEL', KEYS[1], field)
    elseif field == lease then
      mine = math.max(amount - charged, 0)
    else
      others = others + amount
    end
  end
end

local free = math.max(minus(limit, all) - others, 0)
if free < least then
  free = math.min(free, mine)
end
mine = math.min(free, most)
if mine > 0 then
  redis.call('HSET', KEYS[1], lease, text(mine) .. ' ' .. text(now + ARGV[7]))
else
  redis.call('HDEL', KEYS[1], lease)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {text(mine), text(others), all}

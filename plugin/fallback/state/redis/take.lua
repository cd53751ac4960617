-- KEYS[1]: the bucket. ARGV: tokens per minute, least, most; most is below 0 to put tokens back.
-- Returns how many were taken, how many are left, and the microseconds until there are least.
--
-- A bucket is "PARTS TIME": what it held at a time of the server, in microseconds. A token is
-- 60,000,000 parts, so that each microsecond adds as many parts as there are tokens per minute,
-- and all numbers are whole. A full bucket has no key. A key with another value counts as absent
-- and is replaced.
local token = 60000000
local rate, least, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = rate * token

local parts = full
local bucket = redis.pcall('GET', KEYS[1])
local held, at = string.match(type(bucket) == 'string' and bucket or '', '^(%d+) (%d+)$')
if held then
  parts = math.min(full, held + math.max(0, now - at) * rate) -- clocks can be set back
end

local taken = math.min(most, math.floor(parts / token))
if most < 0 then
  parts, taken = math.min(full, parts - most * token), 0
elseif taken < least then
  return {0, math.floor(parts / token), math.ceil((least * token - parts) / rate)}
else
  parts = parts - taken * token
end
if parts >= full then
  redis.call('DEL', KEYS[1])
else
  local expires = math.ceil((full - parts) / rate / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', parts, now), 'PX', string.format('%.0f', expires))
end
return {taken, math.floor(parts / token), 0}

-- KEYS[1]: the space. ARGV: a replica, the microseconds for which it lives (0: it has ended).
-- Returns the number of replicas, then for each flag the microseconds left and its text.
--
-- A space is a hash: "replica NAME" → "EXPIRES", "flag KEY" → "EXPIRES TEXT". Other fields and
-- values are ignored: another program or release may have written them. A key of another type is
-- replaced.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local replica, left = 'replica ' .. ARGV[1], tonumber(ARGV[2])
local found = redis.pcall('HGET', KEYS[1], replica)
if type(found) == 'table' and string.find(found.err or '', 'WRONGTYPE') then
  redis.call('DEL', KEYS[1])
end
if left > 0 then
  redis.call('HSET', KEYS[1], replica, string.format('%.0f', now + left))
  local expires = math.ceil(left / 1000) + 1000
  if redis.call('PTTL', KEYS[1]) < expires then
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', expires))
  end
else
  redis.call('HDEL', KEYS[1], replica)
end

local all, answer = redis.call('HGETALL', KEYS[1]), {0}
for i = 1, #all, 2 do
  local kind = string.match(all[i], '^%a+ ')
  local expires, text = string.match(all[i + 1], '^(%d+) ?(.*)$')
  if expires and tonumber(expires) <= now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif expires and kind == 'flag ' then
    answer[#answer + 1] = string.format('%.0f', expires - now)
    answer[#answer + 1] = text
  elseif expires and kind == 'replica ' then
    answer[1] = answer[1] + 1
  end
end
return answer

/** A script's error when the key belongs to other tables; their mark follows. */
export const FOREIGN_KEY = 'KYUFOREIGN';

/**
 * Every script begins with this: nothing is touched in a set that belongs to other tables. A mark
 * that is missing is set again, as it went with a `FLUSHALL`. One GET, and no further round trip.
 *
 * KEYS[3] owner's mark
 * ARGV[1] own mark, empty to use the key without one, ARGV[2] its life in ms
 */
const CHECK_OWNER = `
if ARGV[1] ~= '' then
  local mark = redis.call('GET', KEYS[3])
  if not mark then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
  elseif mark ~= ARGV[1] then return redis.error_reply('${FOREIGN_KEY} ' .. mark) end
end
`;

/**
 * Renews the owner's mark, or replaces it when the tables have got another one. A stranger looks,
 * and takes the key over when its owner has gone; with the ids that the owner has left, which are
 * of no job here.
 *
 * A full Redis refuses SET. It allows PEXPIRE, so that the owner does not lose its key then.
 *
 * KEYS[1] ready set, KEYS[2] clipped marker, KEYS[3] owner's mark
 * ARGV[1] mark in use, ARGV[2] its life in ms, ARGV[3] renew, look or take, ARGV[4] mark of the
 * tables now
 * Output: the mark that is there now, empty for none
 */
export const OWN = `
local mark = redis.call('GET', KEYS[3])
if mark and mark ~= ARGV[1] then return mark end
if not mark and ARGV[3] == 'look' then return '' end
if not mark and ARGV[3] == 'take' then redis.call('DEL', KEYS[1], KEYS[2]) end
local set = redis.pcall('SET', KEYS[3], ARGV[4], 'PX', ARGV[2])
if not set.err then return ARGV[4] end
if mark and redis.call('PEXPIRE', KEYS[3], ARGV[2]) == 1 then return mark end
return set`;

/**
 * Adds ARGV from `first` on: a score, and its ids in one text, by turns. Ten thousand ids in a few texts cost both sides a tenth of what as many arguments
 * do. `unpack` has a limit of about 8000 values.
 */
const ADD_IDS = `
local function add_ids(first)
  local added = 0
  for at = first, #ARGV, 2 do
    local pairs_to_add = {}
    for id in string.gmatch(ARGV[at + 1], '[^,]+') do
      pairs_to_add[#pairs_to_add + 1] = ARGV[at]
      pairs_to_add[#pairs_to_add + 1] = id
      added = added + 1
      if #pairs_to_add == 1000 then
        redis.call('ZADD', KEYS[1], unpack(pairs_to_add))
        pairs_to_add = {}
      end
    end
    if #pairs_to_add > 0 then redis.call('ZADD', KEYS[1], unpack(pairs_to_add)) end
  end
  return added
end`;

/** Cuts the tail beyond the window and remembers that something was cut. */
const TRIM = `
local function trim(window)
  if redis.call('ZREMRANGEBYRANK', KEYS[1], window, -1) > 0 then
    redis.call('SET', KEYS[2], 1)
    return true
  end
  return false
end`;

// The arguments below follow those of CHECK_OWNER, which are KEYS[3], ARGV[1] and ARGV[2].

/**
 * Stages new jobs. While more jobs wait in Postgres than the window holds, a job that sorts behind the window's tail is left to
 * the refill: added here it would overtake the older ones between them.
 *
 * KEYS[1] ready set, KEYS[2] clipped marker
 * ARGV[3] window, then a score and its ids, separated by commas, by turns
 * Output: how many were added
 */
export const STAGE = `${CHECK_OWNER}${ADD_IDS}${TRIM}
if redis.call('EXISTS', KEYS[2]) == 0 then
  local added = add_ids(4)
  trim(tonumber(ARGV[3]))
  return added
end
local tail = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if #tail == 0 then return 0 end
local tail_score = tonumber(tail[2])
local added = 0
for i = 4, #ARGV, 2 do
  local score = tonumber(ARGV[i])
  for id in string.gmatch(ARGV[i + 1], '[^,]+') do
    if score < tail_score or (score == tail_score and id < tail[1]) then
      redis.call('ZADD', KEYS[1], ARGV[i], id)
      added = added + 1
    end
  end
end
trim(tonumber(ARGV[3]))
return added`;

/**
 * Refills with the best waiting jobs of Postgres.
 *
 * KEYS[1] ready set, KEYS[2] clipped marker
 * ARGV[3] window, ARGV[4] 1 if no more jobs wait than these, then a score and its ids, separated by commas, by turns
 * Output: 1 if jobs may have been turned away that now fit, so that one more refill is due; else 0
 */
export const REFILL = `${CHECK_OWNER}${ADD_IDS}${TRIM}
local was_clipped = redis.call('EXISTS', KEYS[2]) == 1
add_ids(5)
local cut = trim(tonumber(ARGV[3]))
if ARGV[4] == '1' and not cut then
  redis.call('DEL', KEYS[2])
  return was_clipped and 1 or 0
end
redis.call('SET', KEYS[2], 1)
return 0`;

/**
 * Takes the best ids and says whether the window should be refilled.
 *
 * KEYS[1] ready set, KEYS[2] clipped marker
 * ARGV[3] how many, ARGV[4] low-water mark
 * Output: 1 if fewer than the mark are left and more wait in Postgres, else 0; id and score of the last one that is left if so, else two empty
 * texts; then id and score of each, best first
 */
export const POP = `${CHECK_OWNER}
local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[3])
local result = {0, '', ''}
for i = 1, #popped do result[i + 3] = popped[i] end
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[4]) and redis.call('EXISTS', KEYS[2]) == 1 then
  result[1] = 1
  local tail = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  if #tail == 2 then
    result[2] = tail[1]
    result[3] = tail[2]
  end
end
return result`;

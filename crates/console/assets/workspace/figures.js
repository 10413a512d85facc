// Usage, costs and limits of a workspace, as the API tells them.
import { everything, get } from "../core/api.js";

const DAY_S = 86_400;
const PAGE_DAYS = 31;
const MAX_KEYS = 1000;

/** Returns the first second of the first of so many days, today included. */
export const since = (days) => Math.floor(Date.now() / 1000 / DAY_S - days + 1) * DAY_S;

const ofProject = ({ isAdministrator, workspace }) =>
  isAdministrator && workspace ? { "project_ids[]": workspace.id } : {};

async function pages(path, query, most = 10) {
  const buckets = [];
  let page;
  for (let number = 0; number < most; number += 1) {
    const answer = await get(path, { ...query, page });
    buckets.push(...answer.data);
    page = answer.next_page;
    if (!page) break;
  }
  return buckets;
}

/** Reads usage by day. */
export async function usage(context, days) {
  const buckets = await pages("organization/usage/files", {
    start_time: since(days),
    bucket_width: "1d",
    limit: Math.min(days, PAGE_DAYS),
    ...ofProject(context),
  });
  const none = {
    usage_bytes: 0,
    peak_bytes: 0,
    end_bytes: 0,
    num_files: 0,
    num_requests: 0,
    ops_class_a: 0,
    ops_class_b: 0,
    input_bytes: 0,
    output_bytes: 0,
  };
  return buckets.map(({ start_time: start, results }) => ({ start, ...none, ...results[0] }));
}

/** Reads the costs by day, line item and key. */
export async function costs(context, days) {
  return pages("organization/costs", {
    start_time: since(days),
    limit: days,
    "group_by[]": ["line_item", "api_key_id"],
    ...ofProject(context),
  });
}

/** Reads the names of the keys that the session may see, by their ids. */
export async function keyNames({ session: { actor }, workspace, manages }) {
  const keys = manages ? await everything(`organization/projects/${workspace.id}/api_keys`, {}, MAX_KEYS) : [actor];
  return new Map(keys.filter(({ name }) => name).map(({ id, name }) => [id, name]));
}

/** Reads limits and the usage that counts towards them; null where the session may not read them. */
export async function limits({ session, workspace, isAdministrator, manages }) {
  try {
    if (session.actor.type === "key" && !isAdministrator) return await get("organization/key");
    if (manages) return flat(await get(`organization/projects/${workspace.id}/limits`));
    return null;
  } catch (error) {
    if (error.status === 403 || error.status === 404) return null;
    throw error;
  }
}

function flat({ usage: used, object, project_id: id, ...rest }) {
  return { object, id, limits: rest, usage: used };
}

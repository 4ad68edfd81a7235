// The page's texts in English and Chinese, and the language in use.
//
//   t("removed", { account: 7 })  "Account 7 was removed."; an unknown key is its own text
//   language()                    "en" or "zh"
//   setLanguage("zh")             keeps the choice and shows it
//   showLanguage()                translates the page, then fires `language` at document,
//                                 at which what was written with t() is written again
//
// Texts of the Try tab are in texts_try.js, which has the same form.

import { TRY } from "./texts_try.js";

const TEXTS = {
  ...TRY,
  tab_try: ["Try", "试用"],
  tab_accounts: ["Accounts", "账号"],
  tab_now: ["Now", "实时"],
  base_url: ["Base URL for any OpenAI client:", "任何 OpenAI 客户端的 Base URL："],
  unreachable: ["The gateway cannot be reached.", "无法连接到网关。"],

  key: ["API key", "API Key"],
  use_default_key: ["Use the default key", "使用默认 Key"],
  key_needed: ["Enter an API key above.", "请先在上方输入 API Key。"],

  simulated: ["A simulator answers: how to get real answers", "当前由模拟器应答。如何获得真实的回答"],
  get_token: [
    "With an account of Hailuo AI: sign in, start any conversation, press F12 and copy the value of _token under Application → Local Storage:",
    "使用海螺 AI 账号：登录并发起任意一个对话，按 F12，在 Application → Local Storage 中复制 _token 的值：",
  ],
  get_key: ["Or with a paid key of MiniMax's platform: create an API key:", "或使用 MiniMax 开放平台的 Key（付费）：创建 API Key："],
  china: ["Only for a key from mainland China, set:", "仅中国大陆的 Key 需要设置："],
  to_file: [
    "Put the token, the key or both into tokens.json beside the program, and start it again:",
    "把令牌或 Key（或两者）写入程序目录下的 tokens.json，然后重新启动程序：",
  ],

  accounts: ["Accounts of the pool", "账号池"],
  account: ["Account", "账号"],
  state: ["State", "状态"],
  expiry: ["Expires", "到期"],
  quota: ["Quota", "余量"],
  answers: ["answers: {count}", "回答：{count}"],
  web: ["Hailuo AI", "海螺 AI"],
  platform: ["platform", "开放平台"],
  file: ["file", "文件"],
  shared: ["shared", "共享"],
  environment: ["environment", "环境变量"],
  idle: ["idle", "空闲"],
  answering: ["answering", "回答中"],
  resting: ["cooling down", "冷却中"],
  until: ["until {time}", "至 {time}"],
  dead: ["rejected", "已失效"],
  quota_window: ["{percent}% left now", "剩余 {percent}%"],
  quota_week: ["{percent}% left this week", "本周剩余 {percent}%"],
  check: ["Check", "检查"],
  remove: ["Remove", "移除"],
  remove_question: ["Remove account {account} and its token?", "要移除账号 {account} 及其令牌吗？"],
  removed: ["Account {account} was removed.", "已移除账号 {account}。"],
  refresh: ["Renew all tokens", "续期所有令牌"],
  refreshed: ["{success} renewed, {failed} failed.", "成功 {success} 个，失败 {failed} 个。"],
  next_refresh: ["Next renewal {when}.", "下次续期：{when}。"],
  add_tokens: ["Add tokens or keys, one on each line", "添加令牌或 Key，每行一个"],
  add: ["Add to the pool", "加入账号池"],
  check_only: ["Only check", "仅检查"],
  added: ["{added} added, {updated} updated, {unchanged} known already.", "新增 {added} 个，更新 {updated} 个，已有 {unchanged} 个。"],
  not_persisted: [" They are in memory only.", "目前仅保存在内存中。"],
  valid: ["valid", "有效"],
  not_valid: ["not valid", "无效"],

  now: ["Now, and the last hour", "当前与最近一小时"],
  running: ["Answers running", "进行中的回答"],
  queued: ["In the queue", "排队中"],
  processes: ["Processes", "进程数"],
  partial: ["Other processes could not be asked.", "未能获取其他进程的数据。"],
  answers_per_minute: ["Answers a minute", "每分钟回答数"],
  answers_text: ["{total} in the last hour, at most {most} in a minute", "最近一小时共 {total} 个，每分钟最多 {most} 个"],
  first_piece: ["Time to the first piece", "首字延迟"],
  first_piece_text: ["{last} s lately, at most {most} s", "最近 {last} 秒，最长 {most} 秒"],
  failures: ["Failures", "失败"],
  none: ["none", "无"],
};

let current = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export function language() {
  return current;
}

export function t(key, values = {}) {
  const text = TEXTS[key]?.[current === "zh" ? 1 : 0] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem("language", chosen);
  showLanguage();
}

export function showLanguage() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t], [data-label], [data-hint]")) translate(element);
  document.dispatchEvent(new Event("language"));
}

export function translate(element) {
  const { t: text, label, hint } = element.dataset;
  if (text) element.textContent = t(text);
  if (label) element.setAttribute("aria-label", t(label));
  if (hint) element.setAttribute("placeholder", t(hint));
}

// The page's texts in English and Chinese, and the language in use.
//
//   t("removed", { account: 7 })  "Account 7 was removed."; an unknown key is the text
//   language()                    "en" or "zh"
//   setLanguage("zh")             keeps the choice and shows it
//   showLanguage()                translates the page, then fires `language` at document,
//                                 at which what was written with t() is written again
//
// Texts of the Try tab are in texts_try.js, which has the same form.

import { TRY } from "./texts_try.js";

const LANGUAGES = ["en", "zh"];
const TEXTS = {
  ...TRY,
  tabs: ["Sections", "栏目"],
  tab_try: ["Try", "试用"],
  tab_accounts: ["Accounts", "账号"],
  tab_now: ["Now", "实时"],
  about: ["From a program", "在程序中使用"],
  base_url: ["Base URL for any OpenAI client:", "任何 OpenAI 客户端的 Base URL："],
  unreachable: ["The gateway cannot be reached.", "无法连接到网关。"],

  key: ["API key", "API Key"],
  use_default_key: ["Use the default key", "使用默认 Key"],
  key_needed: ["Enter an API key of this gateway above.", "请先在上方输入本网关的 API Key。"],
  theme: ["Colours", "配色"],
  auto: ["System", "跟随系统"],
  light: ["Light", "浅色"],
  dark: ["Dark", "深色"],

  simulated: ["A simulator answers", "当前由模拟器应答"],
  simulated_more: [
    "No token was found, so the answers are made up by a simulator on this machine. Everything can be tried.",
    "没有找到任何令牌，因此回答由本机的模拟器生成。所有功能都可以试用。",
  ],
  how_to: ["How to get real answers", "如何获得真实的回答"],
  with_token: ["With an account of Hailuo AI", "使用海螺 AI 账号"],
  with_key: ["With a key of MiniMax's platform (paid)", "使用 MiniMax 开放平台的 Key（付费）"],
  sign_in: ["Sign in and start any conversation:", "登录并发起任意一个对话："],
  find_token: [
    "Open the developer tools (F12) and copy this value under Application → Local Storage:",
    "打开开发者工具（F12），在 Application → Local Storage 中复制这一项的值：",
  ],
  to_file: ["Put it into this file beside the program:", "把它写入程序目录下的文件："],
  restart: ["Start the gateway again:", "重新启动网关："],
  create_key: ["Create an API key:", "创建 API Key："],
  china: ["Only for a key from mainland China, set:", "仅中国大陆的 Key 需要设置："],

  accounts: ["Accounts of the pool", "账号池"],
  no_accounts: ["The pool is empty: add a token below.", "账号池是空的，请在下方添加令牌。"],
  account: ["Account", "账号"],
  state: ["State", "状态"],
  expiry: ["Expires", "到期"],
  quota: ["Quota", "余量"],
  answers: ["Answers", "回答数"],
  last_error: ["Last error", "最近的错误"],
  web: ["Hailuo AI", "海螺 AI"],
  platform: ["platform", "开放平台"],
  file: ["file", "文件"],
  environment: ["environment", "环境变量"],
  idle: ["idle", "空闲"],
  answering: ["answering", "回答中"],
  resting: ["cooling down", "冷却中"],
  resting_until: ["cooling down until {time}", "冷却至 {time}"],
  dead: ["rejected", "已失效"],
  expired: ["expired", "已过期"],
  quota_window: ["{percent}% left now", "剩余 {percent}%"],
  quota_week: ["{percent}% left this week", "本周剩余 {percent}%"],
  quota_until: ["until {time}", "（{time} 重置）"],
  check_account: ["Check", "检查"],
  remove: ["Remove", "移除"],
  remove_question: ["Remove the account {account} and its token from the pool?", "要从账号池移除账号 {account} 及其令牌吗？"],
  removed: ["Account {account} was removed.", "已移除账号 {account}。"],
  cancel: ["Cancel", "取消"],
  refresh: ["Renew all tokens", "续期所有令牌"],
  refreshing: ["Renewal", "续期进度"],
  refreshed: ["{success} renewed, {failed} failed.", "成功 {success} 个，失败 {failed} 个。"],
  last_refresh: ["Last renewal {when}.", "上次续期：{when}。"],
  next_refresh: ["Next {when}.", "下次续期：{when}。"],
  add_tokens: ["Add tokens or keys", "添加令牌或 Key"],
  add_hint: ["One on each line. They are not shown again.", "每行一个，添加后不再显示。"],
  add: ["Add to the pool", "加入账号池"],
  check: ["Only check", "仅检查"],
  no_token: ["Paste a token first.", "请先粘贴令牌。"],
  added: ["{added} added, {updated} updated, {unchanged} known already.", "新增 {added} 个，更新 {updated} 个，已有 {unchanged} 个。"],
  not_persisted: ["They are in memory only.", "目前仅保存在内存中。"],
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
  nothing: ["none in the last hour", "最近一小时没有"],
  hour_ago: ["an hour ago", "一小时前"],
  minute: ["Minute", "时间"],
  as_table: ["As a table", "以表格显示"],
};

let current = preferred();

function preferred() {
  const kept = localStorage.getItem("language");
  return LANGUAGES.includes(kept) ? kept : navigator.language.startsWith("zh") ? "zh" : "en";
}

export function language() {
  return current;
}

export function t(key, values = {}) {
  const text = TEXTS[key]?.[LANGUAGES.indexOf(current)] ?? key;
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

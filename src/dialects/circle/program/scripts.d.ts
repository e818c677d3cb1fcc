/** Texts that the build puts into the program as they are. */
declare module '*.sh' {
  const text: string;

  // biome-ignore lint/style/noDefaultExport: that is how bundlers give a text
  export { text as default };
}

declare module '*.awk' {
  const text: string;

  // biome-ignore lint/style/noDefaultExport: that is how bundlers give a text
  export { text as default };
}

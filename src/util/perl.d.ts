/** Text that the build puts into the program as it is. */
declare module '*.pl' {
  const text: string;

  // biome-ignore lint/style/noDefaultExport: that is how bundlers give a text
  export { text as default };
}

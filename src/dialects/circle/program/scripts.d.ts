/** Texts that the build puts into the program as they are. */
declare module '*.sh' {
  const text: string;

  export { text as default };
}

declare module '*.awk' {
  const text: string;

  export { text as default };
}

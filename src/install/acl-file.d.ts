declare module "*.acl" {
  const text: string;
  export default text;
}

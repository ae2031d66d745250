/** Address families as netlink names them (linux/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;

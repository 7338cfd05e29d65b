package acs

// ENI is a network interface given to a task or an instance.
type ENI struct {
	AttachmentARN                string           `json:"attachmentArn,omitempty"`
	EC2ID                        string           `json:"ec2Id,omitempty"`
	MACAddress                   string           `json:"macAddress,omitempty"`
	IPv4Addresses                []IPv4Address    `json:"ipv4Addresses,omitempty"`
	IPv6Addresses                []IPv6Address    `json:"ipv6Addresses,omitempty"`
	SubnetGatewayIPv4Address     string           `json:"subnetGatewayIpv4Address,omitempty"` // a.b.c.d/nn
	SubnetGatewayIPv6Address     string           `json:"subnetGatewayIpv6Address,omitempty"`
	DomainName                   []string         `json:"domainName,omitempty"`
	DomainNameServers            []string         `json:"domainNameServers,omitempty"`
	PrivateDNSName               string           `json:"privateDnsName,omitempty"`
	Index                        int64            `json:"index,omitempty"`
	Name                         string           `json:"name,omitempty"`
	InterfaceAssociationProtocol string           `json:"interfaceAssociationProtocol,omitempty"`
	InterfaceVLANProperties      *InterfaceVLAN   `json:"interfaceVlanProperties,omitempty"`
	InterfaceTunnelProperties    *InterfaceTunnel `json:"interfaceTunnelProperties,omitempty"`
	InterfaceVethProperties      *InterfaceVeth   `json:"interfaceVethProperties,omitempty"`
}

// IPv4Address is one address of an ENI.
type IPv4Address struct {
	Primary        bool   `json:"primary"`
	PrivateAddress string `json:"privateAddress"`
}

// IPv6Address is one IPv6 address of an ENI.
type IPv6Address struct {
	Primary bool   `json:"primary"`
	Address string `json:"address"`
}

// InterfaceVLAN describes a branch interface on a trunk.
type InterfaceVLAN struct {
	VLANID                   string `json:"vlanId,omitempty"`
	TrunkInterfaceMACAddress string `json:"trunkInterfaceMacAddress,omitempty"`
}

// InterfaceTunnel describes a tunnelled interface.
type InterfaceTunnel struct {
	InterfaceIPAddress string `json:"interfaceIpAddress,omitempty"`
	TunnelID           string `json:"tunnelId,omitempty"`
}

// InterfaceVeth describes a veth interface.
type InterfaceVeth struct {
	PeerInterface string `json:"peerInterface,omitempty"`
}

// PrimaryIPv4 is the address the task is known by, or "".
func (e ENI) PrimaryIPv4() string {
	for _, a := range e.IPv4Addresses {
		if a.Primary {
			return a.PrivateAddress
		}
	}
	if len(e.IPv4Addresses) > 0 {
		return e.IPv4Addresses[0].PrivateAddress
	}
	return ""
}

// AttachTaskNetworkInterfacesMessage announces interfaces of a task; the agent acks and confirms by
// SubmitTaskStateChange.
type AttachTaskNetworkInterfacesMessage struct {
	MessageID            string `json:"messageId"`
	ClusterARN           string `json:"clusterArn"`
	ContainerInstanceARN string `json:"containerInstanceArn"`
	TaskARN              string `json:"taskArn"`
	TaskClusterARN       string `json:"taskClusterArn,omitempty"`
	WaitTimeoutMs        int64  `json:"waitTimeoutMs"` // must be > 0
	GeneratedAt          int64  `json:"generatedAt,omitempty"`
	ENIs                 []ENI  `json:"elasticNetworkInterfaces"`
}

// MessageType implements Message.
func (*AttachTaskNetworkInterfacesMessage) MessageType() string {
	return "AttachTaskNetworkInterfacesMessage"
}

// AttachInstanceNetworkInterfacesMessage announces interfaces of the instance (trunks).
type AttachInstanceNetworkInterfacesMessage struct {
	MessageID            string `json:"messageId"`
	ClusterARN           string `json:"clusterArn"`
	ContainerInstanceARN string `json:"containerInstanceArn"`
	WaitTimeoutMs        int64  `json:"waitTimeoutMs"`
	GeneratedAt          int64  `json:"generatedAt,omitempty"`
	ENIs                 []ENI  `json:"elasticNetworkInterfaces"`
}

// MessageType implements Message.
func (*AttachInstanceNetworkInterfacesMessage) MessageType() string {
	return "AttachInstanceNetworkInterfacesMessage"
}

// ConfirmAttachmentMessage announces a block device of a task.
type ConfirmAttachmentMessage struct {
	MessageID            string      `json:"messageId"`
	ClusterARN           string      `json:"clusterArn"`
	ContainerInstanceARN string      `json:"containerInstanceArn"`
	TaskARN              string      `json:"taskArn"`
	TaskClusterARN       string      `json:"taskClusterArn,omitempty"`
	WaitTimeoutMs        int64       `json:"waitTimeoutMs,omitempty"`
	Attachment           *Attachment `json:"attachment"`
}

// MessageType implements Message.
func (*ConfirmAttachmentMessage) MessageType() string { return "ConfirmAttachmentMessage" }
